//! The picture of a report: a bar for each cell, with the spread of its rounds.

use std::path::Path;

use svg::Document;
use svg::node::element::{Line, Rectangle, Text};

use super::report::{Spread, first_rival, throughput};
use super::run::Finished;

const LEFT: f64 = 340.0;
/// Pixels of a ratio of one.
const ONE: f64 = 240.0;
const ROW: f64 = 18.0;
/// What is longer ends here, with its number beside it.
const MOST: f64 = 2.0;

/// Throughput of holdfast against the first rival of each cell.
pub fn write(file: &Path, finished: &[Finished]) {
    let rows: Vec<(String, Spread)> = finished
        .iter()
        .filter_map(|one| {
            let rival = first_rival(&one.cell)?;
            Some((format!("{} / {}", one.cell.name(), rival.name()), throughput(one, rival)?))
        })
        .collect();
    let (width, height) = (LEFT + MOST * ONE + 80.0, 40.0 + ROW * rows.len() as f64);
    let mut document = Document::new()
        .set("viewBox", (0.0, 0.0, width, height))
        .set("font-family", "sans-serif")
        .set("font-size", 11)
        .add(Rectangle::new().set("width", width).set("height", height).set("fill", "white"));
    for tenth in [0.0, 0.5, 1.0, 1.5, 2.0] {
        let x = LEFT + tenth * ONE;
        let line = Line::new().set("x1", x).set("x2", x).set("y1", 24).set("y2", height - 8.0);
        document = document
            .add(line.set("stroke", if tenth == 1.0 { "black" } else { "lightgray" }))
            .add(Text::new(format!("{tenth:.1}")).set("x", x).set("y", 18).set("text-anchor", "middle"));
    }
    for (number, (name, spread)) in rows.iter().enumerate() {
        let top = 30.0 + ROW * number as f64;
        let x = |ratio: f64| LEFT + ratio.min(MOST) * ONE;
        let bar = Rectangle::new().set("x", LEFT).set("y", top).set("width", x(spread.median) - LEFT).set("height", 11);
        let range =
            Line::new().set("x1", x(spread.least)).set("x2", x(spread.most)).set("y1", top + 5.5).set("y2", top + 5.5);
        document = document
            .add(Text::new(name.clone()).set("x", LEFT - 8.0).set("y", top + 10.0).set("text-anchor", "end"))
            .add(bar.set("fill", if spread.median < 1.0 { "darkorange" } else { "seagreen" }))
            .add(range.set("stroke", "black").set("stroke-width", 2))
            .add(
                Text::new(format!("{:.2}", spread.median))
                    .set("x", x(spread.most.max(spread.median)) + 6.0)
                    .set("y", top + 10.0),
            );
    }
    svg::save(file, &document).expect("a file");
}
