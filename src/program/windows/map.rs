//! Operations element by element, forward and in reverse.

use super::super::kernels::linear::Mode;
use super::super::kernels::{Isa, map};
use super::{Map, Window, WindowCode, whole};
use crate::op::Scalar as _;

impl Map {
    /// How much room it takes to spread out the operands that are not neighbours.
    pub(in super::super) fn room(&self) -> u32 {
        if self.is_short() {
            return 0;
        }
        let len = self.len();
        let windows = self.operands[..usize::from(self.arity)].iter();
        self.count.next_multiple_of(8)
            * windows.map(|&window| u32::from(self.neighbours(window, len).is_none())).sum::<u32>()
    }

    /// How many rows there are.
    pub(in super::super) fn rows(&self) -> u32 {
        self.count.div_ceil(self.row_step())
    }

    /// How far one row is from the next.
    pub(in super::super) fn row_step(&self) -> u32 {
        self.row.next_multiple_of(8)
    }

    /// Whether its results are computed one by one.
    fn is_short(&self) -> bool {
        self.count <= 2
    }

    /// How many numbers are computed: those beyond the last fill a register.
    ///
    /// What stands there is not read before it is written.
    fn len(&self) -> usize {
        whole(self.count as usize)
    }

    /// Where an operand begins, if it is `len` neighbours before the results.
    fn neighbours(&self, window: Window, len: usize) -> Option<usize> {
        match window {
            Window::Affine { first, step: 1 } if first as usize + len <= self.out as usize => Some(first as usize),
            _ => None,
        }
    }

    /// The operands as slices of `len` numbers; `spread` are those that are spread out.
    fn slices<'a>(&self, len: usize, values: &'a [f64], spread: &'a [f64]) -> [&'a [f64]; 3] {
        let mut spread = &spread[self.spread as usize..];
        let mut slices = [&[][..]; 3];
        for (slice, &window) in slices.iter_mut().zip(&self.operands[..usize::from(self.arity)]) {
            *slice = match self.neighbours(window, len) {
                Some(first) => &values[first..first + len],
                None => spread.split_off(..len).expect("room for every operand that is not neighbours"),
            };
        }
        slices
    }
}

impl WindowCode {
    pub(super) fn map(&self, isa: Isa, map: &Map, values: &mut [f64], spread: &mut [f64]) {
        let (out, count, arity) = (map.out as usize, map.count as usize, usize::from(map.arity));
        if map.is_short() {
            for m in 0..count {
                values[out + m] = map.op.value(&self.operands(map, m, values)[..arity]);
            }
            return;
        }
        let len = map.len();
        self.spread_out(map, len, values, spread);
        let (read, write) = values.split_at_mut(out);
        map::forward(isa, map.op, &map.slices(len, read, spread)[..arity], &mut write[..len]);
    }

    /// Adds to the adjoints of one operand or stores them; `values` and what is spread out are as the map left them.
    pub(super) fn map_back(
        &self,
        isa: Isa,
        map: &Map,
        (place, mode): (usize, Mode),
        (values, spread): (&[f64], &[f64]),
        adjoints: &mut [f64],
        scratch: &mut [f64],
    ) {
        let (out, count, arity) = (map.out as usize, map.count as usize, usize::from(map.arity));
        let window = map.operands[place];
        if map.is_short() {
            for m in 0..count {
                let mut partials = [0.0; 3];
                map.op.partials(&self.operands(map, m, values)[..arity], values[out + m], &mut partials[..arity]);
                write(adjoints, self.place(window, m), adjoints[out + m].chain(partials[place]), mode);
            }
            return;
        }
        let len = map.len();
        let (low, high) = adjoints.split_at_mut(out);
        let (value, adjoint) = (&values[out..][..len], &high[..len]);
        let operands = map.slices(len, values, spread);
        let reverse = |to: &mut [f64]| map::reverse(isa, map.op, place, &operands[..arity], value, adjoint, to);
        if let (Window::Affine { first, step: 1 }, Mode::Store, true) = (window, mode, len == count) {
            return reverse(&mut low[first as usize..][..len]);
        }
        reverse(&mut scratch[..len]);
        let contribution = &scratch[..count];
        match window {
            Window::Affine { first, step: 1 } => {
                let target = &mut low[first as usize..][..count];
                match mode {
                    Mode::Store => target.copy_from_slice(contribution),
                    Mode::Add => map::accumulate(isa, contribution, target),
                }
            }
            Window::Affine { first, step: 0 } => write(low, first as usize, contribution.iter().sum(), mode),
            Window::EachRow { first, row } => {
                for (place, some) in (first as usize..).zip(contribution.chunks(row as usize)) {
                    write(low, place, some[..map.row as usize].iter().sum(), mode);
                }
            }
            Window::Affine { .. } => {
                for (m, &contribution) in contribution.iter().enumerate() {
                    write(low, self.place(window, m), contribution, mode);
                }
            }
            Window::List(span) => self.places.list(span.range()).add(contribution, adjoints),
        }
    }

    /// The operands of one result.
    fn operands(&self, map: &Map, m: usize, values: &[f64]) -> [f64; 3] {
        let mut operands = [0.0; 3];
        for (number, window) in operands.iter_mut().zip(&map.operands[..usize::from(map.arity)]) {
            *number = values[self.place(*window, m)];
        }
        operands
    }

    /// Spreads out the operands that are not neighbours.
    fn spread_out(&self, map: &Map, len: usize, values: &[f64], spread: &mut [f64]) {
        let count = map.count as usize;
        let mut rest = &mut spread[map.spread as usize..];
        for &window in &map.operands[..usize::from(map.arity)] {
            if map.neighbours(window, len).is_some() {
                continue;
            }
            let spread = rest.split_off_mut(..len).expect("room for every operand that is not neighbours");
            match window {
                Window::Affine { first, step: 1 } => {
                    spread[..count].copy_from_slice(&values[first as usize..][..count]);
                }
                Window::Affine { first, step: 0 } => spread.fill(values[first as usize]),
                Window::EachRow { first, row } => {
                    let rows = spread[..count].chunks_mut(row as usize);
                    rows.zip(&values[first as usize..]).for_each(|(row, &number)| row.fill(number));
                }
                Window::Affine { .. } => {
                    for (m, number) in spread[..count].iter_mut().enumerate() {
                        *number = values[self.place(window, m)];
                    }
                }
                Window::List(span) => self.places.list(span.range()).gather(values, spread),
            }
        }
    }
}

/// Stores or adds one number.
fn write(adjoints: &mut [f64], place: usize, contribution: f64, mode: Mode) {
    match mode {
        Mode::Store => adjoints[place] = contribution,
        Mode::Add => adjoints[place] += contribution,
    }
}
