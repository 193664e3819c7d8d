//! contactd-protocol(7): protocol.md as a manual page.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::page::{Font, Page, styled};

/// Writes what a Markdown text says: headings, paragraphs, lists, tables and code. A table becomes a list of terms, which a
/// terminal of any width can show.
pub fn write(markdown: &str, page: &mut Page) {
    let mut writer = Writer {
        page,
        text: String::new(),
        font: Font::Roman,
        is_code: false,
        lists: Vec::new(),
        table: Table::default(),
    };
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        writer.take(event);
    }
}

struct Writer<'a> {
    page: &'a mut Page,
    /// What was read of the present paragraph, item, cell or heading.
    text: String,
    font: Font,
    /// In a block of code text stands as it is.
    is_code: bool,
    /// The lists that are open, each with the number of its next item if it counts.
    lists: Vec<Option<u64>>,
    table: Table,
}

#[derive(Default)]
struct Table {
    columns: Vec<String>,
    cells: Vec<String>,
}

impl Writer<'_> {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.is_code => self.text += &text,
            Event::Text(text) => self.text += &styled(&text, self.font),
            Event::Code(code) => self.text += &styled(&code, Font::Bold),
            Event::SoftBreak | Event::HardBreak => self.text.push(' '),
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            // What stands before a list within an item is the item's text.
            Tag::List(first) => {
                self.end_item();
                self.lists.push(*first);
            }
            Tag::CodeBlock(_) => {
                self.end_item();
                self.is_code = true;
            }
            Tag::Emphasis => self.font = Font::Italic,
            Tag::Strong => self.font = Font::Bold,
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => self.heading(level),
            TagEnd::Paragraph if self.lists.is_empty() => {
                let text = self.taken();
                self.page.paragraph(&text);
            }
            TagEnd::Paragraph | TagEnd::Item => self.end_item(),
            TagEnd::List(_) => drop(self.lists.pop()),
            TagEnd::CodeBlock => {
                self.is_code = false;
                let lines = self.taken();
                self.page.example(&lines);
            }
            TagEnd::TableCell => {
                let cell = self.taken();
                self.table.cells.push(cell);
            }
            TagEnd::TableHead => self.table.columns = std::mem::take(&mut self.table.cells),
            TagEnd::TableRow => self.row(),
            TagEnd::Emphasis | TagEnd::Strong => self.font = Font::Roman,
            _ => {}
        }
    }

    fn taken(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// The page's title has its own place. A heading has no fonts of its own.
    fn heading(&mut self, level: HeadingLevel) {
        let title = self.taken().replace("\\fB", "").replace("\\fR", "");
        match level {
            HeadingLevel::H1 => {}
            HeadingLevel::H2 => self.page.chapter(&title.to_uppercase()),
            _ => self.page.section(&title),
        }
    }

    fn end_item(&mut self) {
        let text = self.taken();
        if text.is_empty() {
            return;
        }
        match self.lists.last_mut() {
            Some(Some(number)) => {
                self.page.item(&format!("{number}."), &text);
                *number += 1;
            }
            Some(None) => self.page.item("\\(bu", &text),
            None => self.page.paragraph(&text),
        }
    }

    /// The first cell is the term. Where more than one cell explains it, each has the heading of its column.
    fn row(&mut self) {
        let cells = std::mem::take(&mut self.table.cells);
        let Some((term, rest)) = cells.split_first() else { return };
        let columns = self.table.columns.iter().skip(1);
        let meaning = match rest {
            [meaning] => meaning.clone(),
            many => {
                let named = columns.zip(many).filter(|(_, cell)| !cell.is_empty());
                named
                    .map(|(column, cell)| format!("{}: {cell}", styled(column, Font::Italic)))
                    .collect::<Vec<_>>()
                    .join("; ")
            }
        };
        self.page.term(term, &meaning);
    }
}
