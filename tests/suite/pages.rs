//! The pages that people read: each link leads somewhere, in the source and in the Debian package.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// Where the package has a second way to its clients: the link leads to `examples`.
const CLIENTS: (&str, &str) = ("usr/share/doc/contactd/clients/", "usr/share/doc/contactd/examples/");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files of a folder with this ending.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let found = std::fs::read_dir(root().join(folder)).expect("a folder");
    let names = found.map(|file| Path::new(folder).join(file.expect("an entry").file_name()));
    names.filter(|file| file.to_string_lossy().ends_with(ending)).collect()
}

/// The links of a page that are no addresses of others.
fn links(page: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(page)).expect("a page");
    let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', '\n']).next());
    links.filter(|link| !link.contains("://")).map(str::to_owned).collect()
}

/// The headings of a page, as they are linked to.
fn anchors(page: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join(page)).expect("a page");
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let anchor = |heading: &str| {
        let small = heading.to_lowercase().replace(' ', "-");
        small.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
    };
    headings.map(anchor).collect()
}

/// A path without `..`.
fn resolved(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut all, part| {
        match part {
            Component::ParentDir => drop(all.pop()),
            part => all.push(part),
        }
        all
    })
}

/// Where a link of a page leads, and to which heading there.
fn target(page: &Path, link: &str) -> (PathBuf, Option<String>) {
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor.to_owned())));
    let folder = page.parent().unwrap_or(Path::new(""));
    (if file.is_empty() { page.to_owned() } else { resolved(&folder.join(file)) }, anchor)
}

#[test]
fn each_link_leads_to_a_file_and_a_heading() {
    let pages = ["", "docs", "clients"].into_iter().flat_map(|folder| files(folder, ".md"));
    let mut dead = Vec::new();
    for page in pages {
        for link in links(&page) {
            let (file, anchor) = target(&page, &link);
            let is_alive = root().join(&file).exists()
                && anchor
                    .is_none_or(|anchor| !file.to_string_lossy().ends_with(".md") || anchors(&file).contains(&anchor));
            if !is_alive {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

/// Where each file of the source is in the Debian package, as Cargo.toml says.
fn packaged() -> BTreeMap<PathBuf, PathBuf> {
    let manifest: toml::Value =
        toml::from_str(&std::fs::read_to_string(root().join("Cargo.toml")).expect("the manifest")).expect("TOML");
    let assets = manifest["package"]["metadata"]["deb"]["assets"].as_array().expect("assets").clone();
    let mut packaged = BTreeMap::new();
    for asset in &assets {
        let (source, to) = (asset[0].as_str().expect("a path"), asset[1].as_str().expect("a path"));
        let sources = match source.rsplit_once("/*") {
            Some((folder, _)) if folder.starts_with("target/") => Vec::new(),
            Some((folder, ending)) => files(folder, ending),
            None => vec![PathBuf::from(source)],
        };
        for source in sources {
            let name = source.file_name().expect("a name").to_owned();
            packaged.insert(source, if to.ends_with('/') { Path::new(to).join(name) } else { to.into() });
        }
    }
    packaged
}

#[test]
fn each_link_of_the_package_leads_to_a_file_of_it() {
    let packaged = packaged();
    let there: BTreeSet<&PathBuf> = packaged.values().collect();
    let pages: Vec<_> = packaged.iter().filter(|(_, place)| place.to_string_lossy().ends_with(".md")).collect();
    let operating = Path::new("usr/share/doc/contactd/docs/operating.md");
    assert!(pages.len() >= 4 && there.contains(&operating.to_owned()), "the alerts name it: {pages:?}");
    let mut dead = Vec::new();
    for (page, place) in pages {
        for link in links(page) {
            let to = target(place, &link).0.to_string_lossy().replace(CLIENTS.0, CLIENTS.1);
            if !there.contains(&PathBuf::from(&to)) {
                dead.push(format!("{}: {link}", place.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}
