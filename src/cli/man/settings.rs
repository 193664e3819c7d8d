//! contactd.toml(5): every key of the configuration file, from the flags of the same name.

use super::page::{Font, Page, escape, styled};
use crate::config::Settings;

const EXAMPLE: &str = include_str!("../../../deploy/contactd.toml");

/// Writes the page.
pub fn write(page: &mut Page) {
    page.chapter("DESCRIPTION");
    page.paragraph(&escape(
        "The file has the settings of the daemon, as TOML. A flag wins over the environment, and the environment over the \
         file. A key that is not on this page is an error, and contactd does not start.",
        Font::Roman,
    ));
    page.paragraph(&escape(
        "A length of time is a text: numbers with d, h, m or s behind them, like \"30d\" or \"2h30m\".",
        Font::Roman,
    ));
    page.chapter("KEYS");
    for argument in Settings::in_file() {
        let (Some(key), Some(help)) = (argument.get_long(), argument.get_help()) else { continue };
        let value = argument.get_value_names().and_then(|names| names.first()).map_or("VALUE", |name| name.as_str());
        let is_list = argument.get_value_delimiter().is_some();
        let value = if is_list { format!("[{value}, …]") } else { value.to_owned() };
        let mut meaning = escape(&help.to_string().replace('`', ""), Font::Roman);
        if let Some(variable) = argument.get_env() {
            let (flag, variable) = (format!("--{key}"), variable.to_string_lossy());
            let (flag, variable) = (styled(&flag, Font::Bold), styled(&variable, Font::Bold));
            meaning.extend([". Also the flag ", &flag, " and the variable ", &variable, "."]);
        }
        page.term(&format!("{} = {}", styled(key, Font::Bold), styled(&value, Font::Italic)), &meaning);
    }
    page.chapter("FILES");
    page.term(&styled("/etc/contactd/contactd.toml", Font::Bold), "as the package installs it:");
    page.example(EXAMPLE);
}
