//! Small charts as SVG: lines over an axis of powers, one panel beside the other.

use std::fmt::Write as _;
use std::path::Path;

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 220.0;
/// Around the lines, for titles and numbers.
const LEFT: f64 = 52.0;
const TOP: f64 = 30.0;
const RIGHT: f64 = 14.0;
const BOTTOM: f64 = 34.0;
const PANELS_A_ROW: usize = 3;
const COLOURS: [&str; 2] = ["#1a6ee0", "#d0453a"];

/// A line, and what it is called.
pub struct Line {
    pub name: &'static str,
    pub points: Vec<(f64, f64)>,
}

/// What is drawn in one frame. The axis from left to right has powers; the other one begins at 0.
pub struct Panel {
    pub title: &'static str,
    pub below: &'static str,
    pub lines: Vec<Line>,
}

/// Writes panels to a file.
pub fn write(path: &Path, panels: &[Panel]) {
    let columns = panels.len().min(PANELS_A_ROW);
    let rows = panels.len().div_ceil(PANELS_A_ROW);
    let (width, height) = (WIDTH * columns as f64, HEIGHT * rows as f64);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n\
         <style>text {{ font: 11px sans-serif; fill: #333 }} .t {{ font-weight: bold }} \
         .g {{ stroke: #ccc; stroke-width: 1 }} .l {{ fill: none; stroke-width: 2 }}</style>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    for (at, panel) in panels.iter().enumerate() {
        let (x, y) = (WIDTH * (at % PANELS_A_ROW) as f64, HEIGHT * (at / PANELS_A_ROW) as f64);
        draw(&mut svg, panel, x, y);
    }
    svg += "</svg>\n";
    std::fs::write(path, svg).expect("a plot");
    println!("written: {}", path.display());
}

fn draw(svg: &mut String, panel: &Panel, x: f64, y: f64) {
    let all = || panel.lines.iter().flat_map(|line| line.points.iter().copied());
    let (first, last) = all().fold((f64::MAX, 0.0_f64), |(first, last), (x, _)| (first.min(x), last.max(x)));
    let step = nice(all().fold(0.0_f64, |most, (_, y)| most.max(y)) / 4.0);
    let steps = (all().fold(0.0_f64, |most, (_, y)| most.max(y)) / step).ceil().max(1.0);
    let (inner_width, inner_height) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    let right_of =
        |value: f64| x + LEFT + inner_width * (value / first).ln() / (last / first).ln().max(f64::MIN_POSITIVE);
    let above = |value: f64| y + TOP + inner_height * (1.0 - value / (step * steps));
    let mut text = |x: f64, y: f64, anchor: &str, class: &str, text: &str| {
        writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" class=\"{class}\">{text}</text>")
            .expect("text");
    };
    text(x + LEFT, y + 16.0, "start", "t", panel.title);
    text(x + LEFT + inner_width / 2.0, y + HEIGHT - 4.0, "middle", "", panel.below);
    let mut ticks = Vec::new();
    let values =
        std::iter::successors(Some(0.0), |value| Some(value + step)).take_while(|value| *value < step * (steps + 0.5));
    for value in values {
        text(x + LEFT - 6.0, above(value) + 4.0, "end", "", &short(value));
        ticks.push(above(value));
    }
    let longest =
        panel.lines.iter().map(|line| line.points.as_slice()).max_by_key(|points| points.len()).unwrap_or_default();
    for (value, _) in longest {
        text(right_of(*value), y + HEIGHT - 20.0, "middle", "", &short(*value));
    }
    for (at, line) in panel.lines.iter().enumerate().filter(|_| panel.lines.len() > 1) {
        let name = format!("<tspan fill=\"{}\">{}</tspan>", COLOURS[at % COLOURS.len()], line.name);
        text(x + LEFT + 8.0, y + TOP + 14.0 * at as f64 + 12.0, "start", "", &name);
    }
    for tick in ticks {
        let (from, to) = (x + LEFT, x + WIDTH - RIGHT);
        writeln!(svg, "<line class=\"g\" x1=\"{from:.1}\" x2=\"{to:.1}\" y1=\"{tick:.1}\" y2=\"{tick:.1}\"/>")
            .expect("a line");
    }
    for (at, line) in panel.lines.iter().enumerate() {
        let places: Vec<String> =
            line.points.iter().map(|(x, y)| format!("{:.1},{:.1}", right_of(*x), above(*y))).collect();
        let colour = COLOURS[at % COLOURS.len()];
        writeln!(svg, "<polyline class=\"l\" stroke=\"{colour}\" points=\"{}\"/>", places.join(" ")).expect("a line");
        for place in places {
            let (x, y) = place.split_once(',').unwrap_or_default();
            writeln!(svg, "<circle cx=\"{x}\" cy=\"{y}\" r=\"3\" fill=\"{colour}\"/>").expect("a point");
        }
    }
}

/// The next larger number of 1, 2 and 5 with zeros.
fn nice(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1e-9).log10().floor());
    let digit = value / power;
    power * [1.0, 2.0, 5.0, 10.0].into_iter().find(|nice| digit <= *nice).unwrap_or(10.0)
}

/// A number as people read one: 10 k, 1 M.
fn short(value: f64) -> String {
    let (value, unit) = match value {
        value if value >= 1e6 => (value / 1e6, " M"),
        value if value >= 1e3 => (value / 1e3, " k"),
        value => (value, ""),
    };
    let text = format!("{value:.2}");
    format!("{}{unit}", text.trim_end_matches('0').trim_end_matches('.'))
}
