//! A program as text: what one run computes, step by step.

use std::fmt::{Display, Formatter, Result};

use super::Program;
use super::kernels::linear::Mode;
use super::kernels::places::Signs;
use super::windows::{Back, Factors, List, Map, Step, Window, WindowCode};

/// Prints the steps of one run, forward and reverse.
///
/// `v` are values and `d` adjoints. `v[8; 32]` are 32 neighbours from slot 8 on, `v[8; 32 by 2]` every second number,
/// `v[8; 4 × 14 by 16]` four times 14 neighbours, `v[8]` one number and `v{…}` numbers at the places of a list. A sum of
/// products is a nest of loops: `for 32 × 64` gives how often each runs, and the steps stand behind the first slot of
/// each factor.
///
/// ```
/// let graph = dagrad::Graph::new();
/// let (x, w) = (graph.inputs("x", 24), graph.parameters("w", &[0.5; 24]));
/// let y = graph.dot(&w, &x)?.tanh();
/// let listing = graph.compile(&[y])?.to_string();
/// assert!(listing.contains("Σ v[0 +1] · v[24 +1]"), "{listing}");
/// # Ok::<(), dagrad::Error>(())
/// ```
impl Display for Program {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let layout = &self.layout;
        writeln!(
            f,
            "{} inputs, {} parameters, {} constants, {} operations",
            layout.inputs,
            layout.parameters,
            self.constants.len(),
            self.steps.len()
        )?;
        self.single_program(true).code.fmt(f)
    }
}

impl Display for WindowCode {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "forward, {} slots, v[{}] = 1", self.len, self.one)?;
        for step in &self.forward {
            match step {
                Step::Map(map) => writeln!(f, "  v{} = {}", numbers(map, map.out), self.call(map))?,
                Step::Nest { nest, mode, minus, .. } => {
                    writeln!(f, "  {}", nest.text(["v", "v", "v"], sign(*mode, *minus)))?;
                }
                Step::Terms(terms) => {
                    writeln!(
                        f,
                        "  v{} {} {}",
                        Slots(terms.out, terms.count, 1),
                        sign(terms.mode, false),
                        Each("products", terms.signs)
                    )?;
                }
                Step::Region(number) => {
                    let region = &self.regions[*number as usize];
                    let (rows, columns) = (region.code.rows, region.code.columns);
                    writeln!(
                        f,
                        "  v[{}] = sum over {} lanes of {rows} rows, {columns} of them read{}",
                        region.sum,
                        region.lanes,
                        if region.tail.is_some() { ", differentiated at once" } else { "" }
                    )?;
                }
                Step::Chain(chain) => {
                    let (out, first) = (Slots(chain.out, chain.count, 1), chain.first);
                    writeln!(f, "  v{out} = each the one before times a number and a summand, from v[{first}]")?;
                }
                Step::List(list) => {
                    let (out, operands) = self.list(list);
                    writeln!(f, "  v{out} = {} of {}v{operands}", list.op.info().name, several(list))?;
                }
            }
        }
        writeln!(f, "reverse, {} adjoints zeroed", self.zeros.iter().map(|(start, end)| end - start).sum::<u32>())?;
        for back in &self.reverse {
            match back {
                Back::Map { map, place, mode } => {
                    let window = map.operands[*place as usize];
                    let (to, from) = (self.operand(window, map), numbers(map, map.out));
                    writeln!(f, "  d{to} {} d{from} · ∂{place} {}", sign(*mode, false), self.call(map))?;
                }
                Back::Nest { nest, mode, minus, .. } => {
                    writeln!(f, "  {}", nest.text(["d", "d", "v"], sign(*mode, *minus)))?;
                }
                Back::Factors(Factors { out, count, signs, summands: [added, subtracted], .. }) => {
                    let signs = Signs { plus: signs.plus + added.len(), minus: signs.minus + subtracted.len() };
                    writeln!(f, "  d of {} += d{}", Each("factors", signs), Slots(*out, *count, 1))?;
                }
                Back::Region(number) => {
                    let region = &self.regions[*number as usize];
                    writeln!(f, "  d of {} lanes += d[{}]", region.lanes, region.sum)?;
                }
                Back::Chain(chain) => {
                    writeln!(
                        f,
                        "  d of factors, summands and v[{}] += d{}",
                        chain.first,
                        Slots(chain.out, chain.count, 1)
                    )?;
                }
                Back::List { list, mode } => {
                    let (out, operands) = self.list(list);
                    let name = list.op.info().name;
                    let (sign, several) = (sign(*mode, false), several(list));
                    writeln!(f, "  d{operands} {sign} d{out} · ∂ {name} of {several}v{operands}")?;
                }
            }
        }
        Ok(())
    }
}

impl WindowCode {
    fn call(&self, map: &Map) -> String {
        let operands: Vec<String> =
            map.operands[..map.arity as usize].iter().map(|&w| format!("v{}", self.operand(w, map))).collect();
        format!("{}({})", map.op.info().name, operands.join(", "))
    }

    /// The numbers of an operand.
    fn operand(&self, window: Window, map: &Map) -> String {
        match window {
            Window::Affine { first, step: 1 } => numbers(map, first),
            other => self.window(other, map.count),
        }
    }

    /// The results and the operands of lists.
    fn list(&self, list: &List) -> (Slots, String) {
        (Slots(list.out, list.count(), 1), self.window(list.operands, self.operand_count(list)))
    }

    fn window(&self, window: Window, count: u32) -> String {
        match window {
            Window::Affine { first, step } => Slots(first, count, step).to_string(),
            Window::EachRow { first, row } => Slots(first, count.div_ceil(row), 1).to_string(),
            Window::List(span) => {
                let places = &self.places[span.range()];
                let shown: Vec<String> = places.iter().take(4).map(u32::to_string).collect();
                format!("{{{}{}; {}}}", shown.join(" "), if places.len() > 4 { " …" } else { "" }, places.len())
            }
        }
    }
}

fn sign(mode: Mode, minus: bool) -> &'static str {
    match (mode, minus) {
        (Mode::Store, false) => "=",
        (Mode::Store, true) => "= −",
        (Mode::Add, false) => "+=",
        (Mode::Add, true) => "−=",
    }
}

/// As many neighbours as a map has results, in as many rows.
fn numbers(map: &Map, first: u32) -> String {
    match map.rows() {
        1 => Slots(first, map.count, 1).to_string(),
        rows => format!("[{first}; {rows} × {} by {}]", map.row, map.row_step()),
    }
}

/// How many lists there are, if these are several.
fn several(list: &List) -> String {
    if list.count() > 1 { format!("{} lists in ", list.count()) } else { String::new() }
}

/// The first slot, how many, and the step.
struct Slots(u32, u32, i32);

impl Display for Slots {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match *self {
            Self(first, 1, _) | Self(first, _, 0) => write!(f, "[{first}]"),
            Self(first, count, 1) => write!(f, "[{first}; {count}]"),
            Self(first, count, step) => write!(f, "[{first}; {count} by {step}]"),
        }
    }
}

/// What each number of a list comes from: so many that are added, so many that are subtracted.
struct Each(&'static str, Signs);

impl Display for Each {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self(name, Signs { plus, minus }) = self;
        write!(f, "{plus} {name}")?;
        if *minus > 0 {
            write!(f, " less {minus}")?;
        }
        Ok(())
    }
}
