//! A manual page as roff text.

use super::SEE_ALSO;

/// A page that is being written.
pub struct Page {
    text: String,
}

/// How a piece of text looks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Font {
    /// As prose.
    Roman,
    /// What is to be typed as it is, and what matters.
    Bold,
    /// What stands for something else.
    Italic,
}

impl Page {
    /// A page with its name, its section, and what it is about.
    pub fn new(name: &str, section: &str, about: &str) -> Page {
        let title = escape(name, Font::Roman).to_uppercase();
        let version = env!("CARGO_PKG_VERSION");
        let text = format!(
            ".TH {title} {section} \"\" \"contactd {version}\" contactd\n.SH NAME\n{} \\- {about}\n",
            escape(name, Font::Bold),
        );
        Page { text }
    }

    /// A chapter, its title in escaped text.
    pub fn chapter(&mut self, title: &str) {
        self.macro_line("SH", title);
    }

    /// A part of a chapter, its title in escaped text.
    pub fn section(&mut self, title: &str) {
        self.macro_line("SS", title);
    }

    /// A paragraph of escaped text.
    pub fn paragraph(&mut self, text: &str) {
        self.text += ".PP\n";
        self.line(text);
    }

    /// A term in escaped text and what it means.
    pub fn term(&mut self, term: &str, meaning: &str) {
        self.text += ".TP\n";
        self.line(term);
        self.line(meaning);
    }

    /// An item of a list, in escaped text.
    pub fn item(&mut self, mark: &str, text: &str) {
        self.text.extend([".IP ", mark, " 4\n"]);
        self.line(text);
    }

    /// Lines that stand as they are.
    pub fn example(&mut self, lines: &str) {
        self.text += ".PP\n.RS 4\n.EX\n";
        for line in lines.lines() {
            self.line(&escape(line, Font::Bold));
        }
        self.text += ".EE\n.RE\n";
    }

    /// The whole page.
    pub fn finish(mut self) -> Vec<u8> {
        self.text += SEE_ALSO;
        self.text.into_bytes()
    }

    fn macro_line(&mut self, name: &str, argument: &str) {
        self.text.extend([".", name, " ", &argument.replace('"', "\\(dq"), "\n"]);
    }

    /// A line of text, whatever it begins with.
    fn line(&mut self, text: &str) {
        if text.is_empty() || text.starts_with(['.', '\'', ' ']) {
            self.text += "\\&";
        }
        self.text += text;
        self.text.push('\n');
    }
}

/// Text as roff takes it. What is to be typed keeps its ASCII hyphens and quotes, so that it can be copied.
pub fn escape(text: &str, font: Font) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped += "\\(rs",
            '\n' => escaped.push(' '),
            '-' if font != Font::Roman => escaped += "\\-",
            '\'' if font != Font::Roman => escaped += "\\(aq",
            '`' => escaped += "\\(ga",
            '^' => escaped += "\\(ha",
            '~' => escaped += "\\(ti",
            c => escaped.push(c),
        }
    }
    escaped
}

/// Escaped text in a font.
pub fn styled(text: &str, font: Font) -> String {
    let escaped = escape(text, font);
    match font {
        Font::Roman => escaped,
        Font::Bold => format!("\\fB{escaped}\\fR"),
        Font::Italic => format!("\\fI{escaped}\\fR"),
    }
}
