//! A chart of days: bars for sends, and below them bars for opt-outs.

use serde::Deserialize;

use super::words::{counted, grouped, percent};

/// A day, as TRENDS shows it.
#[derive(Deserialize)]
pub struct DayReply {
    pub day: String,
    pub sends: u64,
    pub failed: u64,
    pub opt_outs: u64,
    pub clicks: u64,
    pub conversions: u64,
    pub replies: u64,
}

/// A bar, in the units of the drawing.
pub struct Bar {
    pub x: usize,
    pub y: u64,
    pub height: u64,
}

/// A day of the chart and of its table.
pub struct ChartDay {
    pub day: String,
    pub sends: String,
    pub failed: String,
    pub opt_outs: String,
    pub rate: String,
    pub clicks: String,
    pub conversions: String,
    pub replies: String,
    pub send_bar: Bar,
    pub opt_out_bar: Bar,
}

/// The chart.
pub struct Chart {
    pub days: Vec<ChartDay>,
    pub width: usize,
    /// What it says, in words.
    pub summary: String,
    pub most_sends: String,
    pub most_opt_outs: String,
    pub is_empty: bool,
    /// Days that stand below the bars, from the left to the right.
    pub axis: Vec<String>,
}

/// How far bars are from one another.
const STEP: usize = 24;
/// How high the upper bars and the lower ones can be.
const HEIGHTS: (u64, u64) = (100, 40);

impl Chart {
    pub fn new(days: &[DayReply]) -> Chart {
        let sum = |of: fn(&DayReply) -> u64| days.iter().map(of).sum::<u64>();
        let most = |of: fn(&DayReply) -> u64| days.iter().map(of).max().unwrap_or(0);
        let (sends, opt_outs) = (sum(|day| day.sends), sum(|day| day.opt_outs));
        let (most_sends, most_opt_outs) = (most(|day| day.sends), most(|day| day.opt_outs));
        let rate = |sends: u64, opt_outs: u64| match sends {
            0 => "–".to_owned(),
            _ => percent(opt_outs as f64 / sends as f64),
        };
        let drawn = days.iter().enumerate().map(|(at, day)| {
            let (up, down) = (scaled(day.sends, most_sends, HEIGHTS.0), scaled(day.opt_outs, most_opt_outs, HEIGHTS.1));
            ChartDay {
                day: day.day.clone(),
                sends: grouped(day.sends),
                failed: grouped(day.failed),
                opt_outs: grouped(day.opt_outs),
                rate: rate(day.sends, day.opt_outs),
                clicks: grouped(day.clicks),
                conversions: grouped(day.conversions),
                replies: grouped(day.replies),
                send_bar: Bar { x: at * STEP, y: HEIGHTS.0 - up, height: up },
                opt_out_bar: Bar { x: at * STEP, y: HEIGHTS.0 + 8, height: down },
            }
        });
        Chart {
            days: drawn.collect(),
            width: days.len() * STEP,
            summary: format!(
                "{} and {} in {}: {}",
                counted(sends, "message"),
                counted(opt_outs, "opt-out"),
                counted(days.len() as u64, "day"),
                rate(sends, opt_outs)
            ),
            most_sends: grouped(most_sends),
            most_opt_outs: grouped(most_opt_outs),
            is_empty: sends == 0 && opt_outs == 0,
            axis: axis(days),
        }
    }
}

/// The first day, the last one, and the one between them.
fn axis(days: &[DayReply]) -> Vec<String> {
    let Some(last) = days.len().checked_sub(1) else { return Vec::new() };
    let mut shown = vec![0, last / 2, last];
    shown.dedup();
    shown.into_iter().map(|at| days[at].day.clone()).collect()
}

/// A bar's height; whatever is not nothing can be seen.
fn scaled(value: u64, most: u64, height: u64) -> u64 {
    match (value, most) {
        (0, _) | (_, 0) => 0,
        (value, most) => (value.saturating_mul(height) / most).max(1),
    }
}
