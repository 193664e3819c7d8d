//! `contactd man`: writes the manual pages, for those who make a package. They come from the same places as `--help` and
//! from protocol.md, so that they cannot disagree with them.

mod markdown;
mod page;
mod settings;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man as Mangen;

use self::page::Page;
use super::Arguments;
use crate::error::{Error, Result};

const PROTOCOL: &str = include_str!("../../../protocol.md");

/// Write the manual pages into a directory
#[derive(Args)]
pub struct Man {
    /// The directory, which is made if it is not there
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

impl Man {
    /// Writes each page to a file of its name and section.
    pub fn run(self) -> Result<ExitCode> {
        fs::create_dir_all(&self.dir).map_err(Error::internal)?;
        for (name, text) in pages()? {
            fs::write(self.dir.join(name), text).map_err(Error::internal)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Every page with the name of its file.
fn pages() -> Result<Vec<(String, Vec<u8>)>> {
    let mut main = Arguments::command().disable_help_subcommand(true);
    main.build();
    let mut pages = Vec::new();
    for command in main.get_subcommands().filter(|command| !command.is_hide_set()) {
        let name = format!("contactd-{}", command.get_name());
        // The daemon is for administrators, its clients are for everybody.
        let section = if command.get_name() == "serve" { "8" } else { "1" };
        pages.push((format!("{name}.{section}"), of_command(command.clone().display_name(&name), section)?));
    }
    // The settings are options of the command as well, and have their own pages.
    let brief = main.mut_args(|arg| if arg.get_env().is_some() { arg.hide(true) } else { arg });
    let page = String::from_utf8(of_command(brief, "1")?).map_err(Error::internal)?;
    // Pages of commands are expected in the section of their own command.
    pages.push(("contactd.1".to_owned(), page.replace("serve(1)", "serve(8)").into_bytes()));

    let mut toml = Page::new("contactd.toml", "5", "settings of the contactd daemon");
    settings::write(&mut toml);
    pages.push(("contactd.toml.5".to_owned(), toml.finish()));

    let mut protocol = Page::new("contactd-protocol", "7", "the protocol of the contactd daemon");
    protocol.chapter("DESCRIPTION");
    markdown::write(PROTOCOL, &mut protocol);
    pages.push(("contactd-protocol.7".to_owned(), protocol.finish()));
    Ok(pages)
}

fn of_command(command: Command, section: &str) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let man = Mangen::new(command).section(section).manual("contactd").date("");
    man.render(&mut text).map_err(Error::internal)?;
    text.extend_from_slice(SEE_ALSO.as_bytes());
    Ok(text)
}

const SEE_ALSO: &str = "\
.SH \"SEE ALSO\"
\\fBcontactd\\fR(1), \\fBcontactd\\-serve\\fR(8), \\fBcontactd.toml\\fR(5), \\fBcontactd\\-protocol\\fR(7)
";
