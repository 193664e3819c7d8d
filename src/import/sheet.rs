//! A file that is to be imported: what its columns are, what nobody said of them, and the way of its rows.

use std::fs::File;

use super::advice::{self, Advice};
use super::columns::field::Field;
use super::columns::mapping::Mapping;
use super::columns::question::Question;
use super::columns::sections::{Section, Title};
use super::columns::status::Said;
use super::columns::survey::Survey;
use super::columns::{Columns, Wishes};
use super::describe::Description;
use super::legend::Legend;
use super::options::Options;
use super::read::dialect::{self, Dialect, Format};
use super::read::objects::Keys;
use super::read::records::{Records, lines_before};
use super::read::source::Source;
use super::send::pipeline::{Import, Show};
use super::send::progress::Progress;
use super::send::refusal::Refusal;
use super::send::rejects::{Rejects, Shape};
use super::send::report::Report;
use super::send::row::{Defaults, Rows};
use super::title::{explains, file_speaks_of_an_end, is_neutral, is_of_an_end, speaks_of_an_end};
use crate::client::Client;
use crate::error::{Error, Result};
use crate::model::time;

/// A longer file is never kept as a whole.
const WHOLE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A file that is to be imported.
pub struct Sheet {
    records: Records,
    dialect: Dialect,
    keys: Keys,
    survey: Survey,
    columns: Columns,
    wishes: Wishes,
    options: Options,
    defaults: Defaults,
    name: String,
    folder: String,
    now: time::Millis,
    separator_line: String,
    header: String,
}

impl Sheet {
    /// Reads the first rows of a file, and finds out what its columns are, as far as anybody said. `name` is the file's, `now`
    /// begins the import.
    pub fn open(
        source: Source,
        format: Option<Format>,
        options: &Options,
        name: &str,
        now: time::Millis,
    ) -> Result<Sheet> {
        let wishes = options.wishes()?;
        let defaults = options.defaults(&wishes, name, now)?;
        let mut records = Records::open(source)?;
        let (dialect, separator_line) = dialect::sniff(&mut records, format)?;
        if records.sample().trim().is_empty() {
            return Err(Error::bad_arg("the file is empty"));
        }
        let mut header = String::new();
        if let Dialect::Csv { delimiter } = dialect {
            header = dialect::header(&mut records, delimiter, &wishes, defaults.region)?;
        }
        let (keys, survey) = look_ahead(&records, dialect, &header);
        let columns = columns(dialect, &survey, &wishes)?;
        let (options, name) = (options.clone(), name.to_owned());
        let mut sheet = Sheet {
            records,
            dialect,
            keys,
            survey,
            columns,
            wishes,
            options,
            defaults,
            name,
            folder: String::new(),
            now,
            separator_line,
            header,
        };
        sheet.read_marks()?;
        Ok(sheet)
    }

    /// Reads the whole file where a column of consents may have marks that are a yes in one file and a no in another: what else
    /// stands in the column tells which. Of a longer file such marks stay unknown.
    fn read_marks(&mut self) -> Result<()> {
        let is_open = !self.survey.is_complete && self.columns.rest_on_marks(&self.survey);
        if is_open && self.records.read_whole(WHOLE_BYTES_MAX)? {
            (self.keys, self.survey) = look_ahead(&self.records, self.dialect, &self.header);
            self.columns = columns(self.dialect, &self.survey, &self.wishes)?;
        }
        Ok(())
    }

    /// Says in which folder the file is: its name may say what the rows are.
    #[must_use]
    pub fn in_folder(mut self, folder: &str) -> Sheet {
        folder.clone_into(&mut self.folder);
        self
    }

    /// The list of the rows that do not name one.
    ///
    /// # Errors
    /// Neither an option nor a column names a list.
    pub fn list(&self) -> Result<Option<&str>> {
        if self.defaults.list.is_none() && !self.columns.has(&Field::List) {
            return Err(Error::bad_arg(
                "which list? Give --list +14155550100 (or a column \"list\" in the file); --list '*' for no list",
            ));
        }
        Ok(self.defaults.list.as_deref())
    }

    /// What must be said before the import can begin. With `every_value`, or if there is a mapping, also the meaning of each
    /// word in a column of consent; else rows with an unknown word are rejected.
    pub fn questions(&self, every_value: bool) -> Vec<Question> {
        let mut questions = Vec::new();
        if self.wishes.all_are.is_none()
            && let Some(title) = self.speaks_of_an_end()
        {
            questions.push(Question::Rows(title.to_owned()));
        }
        if !self.defaults.has_no_sections() {
            let section = Section::of(self.survey.section(), self.unread_titles());
            questions.extend(section.map(Question::Section));
        }
        questions.extend(self.columns.questions(&self.survey, every_value || self.wishes.mapping.is_some()));
        // A column that is still to be named may say it.
        if self.wishes.all_are.is_none() && questions.is_empty() && !self.columns.speak_of_consent() {
            let title = self.records.titles().lines().map(str::trim).find(|title| !is_neutral(title));
            let is_asked = self.columns.is_rejects || !is_neutral(&self.name);
            let name = Some(self.name.as_str()).filter(|_| is_asked).or(title);
            questions.extend(name.map(|name| Question::Consent(name.to_owned())));
        }
        questions
    }

    /// What says that rows may be of people who want no messages, or of numbers that do not exist: the name of the file, its
    /// folder's, the source that is given for it, a title above its headings, or a heading.
    fn speaks_of_an_end(&self) -> Option<&str> {
        let names = [Some(self.name.as_str()), self.options.source.as_deref(), Some(self.folder.as_str())];
        let name = names.into_iter().flatten().find(|name| file_speaks_of_an_end(name));
        let title = || {
            let says_more =
                |title: &str| speaks_of_an_end(&self.legend().unexplained(title, |mark| self.is_there(mark)));
            self.records.titles().lines().find(|title| speaks_of_an_end(title) && says_more(title)).map(str::trim)
        };
        let heading = || {
            let headings = self.survey.columns().iter().enumerate().map(|(at, held)| (at, held.name.as_str()));
            let is_of_phones = |at: usize| *self.columns.field(at) == Field::Phone;
            let mut found =
                headings.filter(|&(at, name)| is_of_an_end(name) || is_of_phones(at) && speaks_of_an_end(name));
            found.next().map(|(_, name)| name)
        };
        name.or_else(title).or_else(heading)
    }

    /// The titles above the headings that may say of some rows that they want no messages: "in square brackets: left". That is asked
    /// about whatever all rows are: `--as subscribe` is true of the others.
    fn unread_titles(&self) -> Vec<Title> {
        let first = self.records.titles_from();
        let legend = self.legend();
        let titles = (first..).zip(self.records.titles().lines());
        let is_unread = |title: &str| explains(&legend.unexplained(title, |mark| self.is_there(mark)));
        let cell =
            |title: &str| title.trim_matches(|char: char| char.is_whitespace() || ",;\"".contains(char)).to_owned();
        titles.filter(|(_, title)| is_unread(title)).map(|(line, title)| (line, cell(title))).collect()
    }

    /// Whether something stands in a row, as far as they are read.
    fn is_there(&self, text: &str) -> bool {
        self.records.ahead().any(|(rows, ..)| rows.contains(text))
    }

    /// What the titles and the headings say of marks.
    fn legend(&self) -> Legend {
        let headings = self.survey.columns().iter().map(|held| held.name.as_str());
        Legend::of(self.records.titles().lines().chain(self.survey.titles()), headings)
    }

    /// Takes the answers of a person: a mapping, in addition to what the options say.
    pub fn answer(&mut self, mapping: Mapping) -> Result<()> {
        let mut wishes = self.wishes.clone();
        wishes.all_are = self.options.all_are.or(mapping.all_are);
        wishes.has_no_sections = self.options.no_sections || mapping.has_no_sections;
        wishes.mapping = Some(mapping);
        self.columns = columns(self.dialect, &self.survey, &wishes)?;
        self.defaults = self.options.defaults(&wishes, &self.name, self.now)?;
        self.wishes = wishes;
        self.read_marks()
    }

    /// Says what `--labels '*'` says, for the next answer.
    pub fn label_all(&mut self) {
        let all = "*".to_owned();
        if !self.wishes.labels.contains(&all) {
            self.wishes.labels.push(all);
        }
    }

    /// What is said of the columns so far, for one to say more.
    pub fn mapping(&self) -> Mapping {
        let mut mapping = self.wishes.mapping.clone().unwrap_or_default();
        mapping.all_are = self.wishes.all_are;
        mapping.has_no_sections = self.defaults.no_sections;
        mapping
    }

    /// Adds what is known without a person's word, so that a mapping shows all columns, and all words with a meaning.
    pub fn complete(&self, mapping: &mut Mapping) -> Result<()> {
        for (at, held) in self.survey.columns().iter().enumerate() {
            let field = self.columns.field(at);
            if *field == Field::Unclear || self.columns.is_of_rejects(at) {
                continue;
            }
            let name = self.columns.signed_name(at);
            mapping.set(&name, field.clone());
            if let Some(order) = self.columns.words(at).order() {
                mapping.order_days(&name, order)?;
            }
            if let Some(said) = self.columns.words(at).blank() {
                mapping.explain(&name, "", said)?;
            }
            for (value, _) in held.values().filter(|_| field.has_words()).unwrap_or_default() {
                if let Some(said) = self.columns.words(at).said(field, value).filter(|said| *said != Said::Blank) {
                    mapping.explain(&name, value, said)?;
                }
            }
        }
        Ok(())
    }

    /// The columns, as they are read so far.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Whether each row is an object, and not a line of a table.
    pub fn is_ndjson(&self) -> bool {
        self.dialect == Dialect::Ndjson
    }

    /// What the columns hold.
    pub fn survey(&self) -> &Survey {
        &self.survey
    }

    /// The columns, how they are read and why, and what they hold.
    pub fn describe(&self) -> Description<'_> {
        Description::new(&self.columns, &self.survey, self.warning())
    }

    /// What a person should know about the encoding, as far as the file was read.
    pub fn warning(&self) -> Option<String> {
        self.records.source().warning()
    }

    /// What to say where questions are open. `command` is the one that was given.
    pub fn advice(&self, questions: &[Question], command: &str) -> String {
        let (columns, survey, region) = (&self.columns, &self.survey, self.defaults.region);
        Advice { columns, survey, region, questions, description: self.describe() }.text(command)
    }

    /// Looks at more rows, up to `bytes_max` of text, for [`Sheet::describe`]. They are not imported any more.
    pub fn survey_all(mut self, bytes_max: usize) -> Result<Sheet> {
        let mut survey = match self.dialect {
            Dialect::Ndjson => Survey::default(),
            Dialect::Csv { .. } => Survey::of_header(self.survey.columns().iter().map(|held| held.name.as_str())),
        };
        let (mut keys, mut bytes) = (Keys::default(), 0);
        survey.is_complete = true;
        while let Some(block) = self.records.next()? {
            bytes += block.text.len();
            look_at(&block.text, block.first_line, block.broken, self.dialect, &mut keys, &mut survey);
            if bytes > bytes_max {
                survey.is_complete = false;
                break;
            }
        }
        self.columns = columns(self.dialect, &survey, &self.wishes)?;
        (self.keys, self.survey) = (keys, survey);
        Ok(self)
    }

    /// Begins a file of rejected rows.
    pub fn rejects(&self, file: File) -> Result<Rejects> {
        let shape = Shape {
            dialect: self.dialect,
            separator_line: self.separator_line.clone(),
            header: self.header.clone(),
            own: self.columns.own(),
            behind: self.columns.len() - self.columns.own(),
            cells_min: self.columns.cells_min(),
            all_are: self.defaults.all_are.filter(|all_are| all_are.forbids()),
            mark: self.records.source().wants_mark(),
        };
        Rejects::begin(file, shape)
    }

    /// Sends the rows. Gives the lists that they went to.
    ///
    /// # Errors
    /// Questions are open, the daemon cannot be asked, or the file cannot be read to its end.
    pub fn import(
        self,
        client: Client,
        rejects: Option<Rejects>,
        progress: impl Progress,
        show: Option<Show>,
        report: &mut Report,
    ) -> Result<Vec<String>> {
        self.list()?;
        let questions = self.questions(false);
        if !questions.is_empty() {
            return Err(Error::bad_arg(self.advice(&questions, "contactd import")));
        }
        let (words, legend) = (advice::of_words(&self.columns, &self.survey), self.legend());
        let Sheet { records, dialect, keys, columns, defaults, now, .. } = self;
        report.warnings.extend(legend.told());
        let mut rows = Rows::new(columns, defaults, now);
        rows.legend = legend;
        let lists = Import { records, dialect, keys, rows, rejects, progress, show }.run(client, report);
        if let (Some(words), Some(rejected)) = (words, report.rejected.get_mut(Refusal::UnknownStatus.code())) {
            rejected.advice.push_str(&words);
        }
        lists
    }
}

fn columns(dialect: Dialect, survey: &Survey, wishes: &Wishes) -> Result<Columns> {
    match dialect {
        Dialect::Ndjson => Columns::of_objects(survey, wishes.clone()),
        Dialect::Csv { .. } => Columns::of_table(survey, wishes.clone()),
    }
}

fn look_at(text: &str, first_line: u64, broken: bool, dialect: Dialect, keys: &mut Keys, survey: &mut Survey) {
    let reader = if broken { dialect::reader_without_quotes } else { dialect::reader };
    match dialect {
        Dialect::Ndjson => keys.see(text, survey),
        Dialect::Csv { delimiter } => {
            let rows = reader(text.as_bytes(), delimiter).into_records();
            for row in rows.map_while(std::result::Result::ok) {
                let at = row.position().map_or(0, |position| position.byte() as usize);
                survey.see_row(|| first_line + lines_before(text, at), row.iter().enumerate());
            }
        }
    }
}

/// Looks at the rows that are read and not taken yet.
fn look_ahead(records: &Records, dialect: Dialect, header: &str) -> (Keys, Survey) {
    let mut survey = match dialect {
        Dialect::Ndjson => Survey::default(),
        Dialect::Csv { delimiter } => {
            let names = dialect::reader(header.as_bytes(), delimiter).into_records().next();
            Survey::of_header(names.and_then(std::result::Result::ok).unwrap_or_default().iter())
        }
    };
    let mut keys = Keys::default();
    for (text, first_line, broken) in records.ahead() {
        look_at(text, first_line, broken, dialect, &mut keys, &mut survey);
    }
    survey.is_complete = records.is_complete();
    (keys, survey)
}
