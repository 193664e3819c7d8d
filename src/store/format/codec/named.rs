//! A value behind which a name follows, if a bit in the value says so. What has no name is the bytes that it was before there
//! were names, and a contactd that does not know names refuses the bit.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value with a place for the bit.
pub trait Nameable: Serialize {
    /// Whether the bit is set.
    fn is_named(&self) -> bool;

    /// Sets or clears it.
    fn set_named(&mut self, named: bool);
}

/// A value, and the name that follows it. None if that is empty.
pub struct Named<'a, T> {
    body: T,
    name: Cow<'a, str>,
}

impl<'a, T: Nameable> Named<'a, T> {
    pub fn new(mut body: T, name: &'a str) -> Named<'a, T> {
        body.set_named(!name.is_empty());
        Named { body, name: name.into() }
    }

    pub fn body(&self) -> &T {
        &self.body
    }

    pub fn body_mut(&mut self) -> &mut T {
        &mut self.body
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn into_parts(mut self) -> (T, String) {
        self.body.set_named(false);
        (self.body, self.name.into_owned())
    }
}

impl<T: Nameable> Serialize for Named<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut parts = to.serialize_tuple(2)?;
        parts.serialize_element(&self.body)?;
        if self.body.is_named() {
            parts.serialize_element(&self.name)?;
        }
        parts.end()
    }
}

impl<'de, T: Nameable + DeserializeOwned> Deserialize<'de> for Named<'_, T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_tuple(2, Parts(PhantomData))
    }
}

struct Parts<T>(PhantomData<T>);

impl<'de, T: Nameable + DeserializeOwned> Visitor<'de> for Parts<T> {
    type Value = Named<'static, T>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a value and perhaps a name")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let missing = || A::Error::custom("a value is cut off");
        let body: T = parts.next_element()?.ok_or_else(missing)?;
        let name = if body.is_named() { parts.next_element()?.ok_or_else(missing)? } else { String::new() };
        Ok(Named { body, name: name.into() })
    }
}
