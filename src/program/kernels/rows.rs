//! Slices seen as rows, and the checks that the other files rest on.

/// A buffer of rows to read, whose first row has a number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a> {
    numbers: &'a [f64],
    lanes: usize,
    first: u32,
}

/// A buffer of rows to write.
#[derive(Debug)]
pub(super) struct RowsMut<'a> {
    numbers: &'a mut [f64],
    lanes: usize,
}

/// The most lanes that a kernel takes.
pub(crate) const MOST_LANES: usize = 512;

/// Refuses a count of lanes that no kernel is made for.
#[inline]
#[track_caller]
pub(super) fn check_lanes(lanes: usize) {
    assert!(lanes.is_multiple_of(8) && (8..=MOST_LANES).contains(&lanes), "no kernel for {lanes} lanes");
}

/// The least and the greatest of `first + i * steps[0] + j * steps[1]` for `i < counts[0]`, `j < counts[1]`.
fn corners(first: u32, counts: [usize; 2], steps: [i32; 2]) -> (i128, i128) {
    let mut bounds = (i128::from(first), i128::from(first));
    for (count, step) in counts.into_iter().zip(steps) {
        let reach = (count as i128 - 1) * i128::from(step);
        bounds.0 += reach.min(0);
        bounds.1 += reach.max(0);
    }
    bounds
}

/// Refuses an affine window of two dimensions that leaves `len` numbers, counted from `origin`.
#[inline]
#[track_caller]
pub(super) fn check_window(first: u32, counts: [usize; 2], steps: [i32; 2], origin: u32, len: usize) {
    if counts.contains(&0) {
        return;
    }
    let (least, most) = corners(first, counts, steps);
    assert!(
        least >= i128::from(origin) && most < i128::from(origin) + len as i128,
        "a window from {least} to {most} leaves {len} numbers from {origin}"
    );
}

/// The number `first + index * step`, of a window that was checked.
#[inline(always)]
pub(super) fn place(first: u32, index: usize, step: i32) -> usize {
    (first as usize).wrapping_add_signed((step as isize).wrapping_mul(index.cast_signed()))
}

impl<'a> Rows<'a> {
    /// The rows of `numbers`, of which the first has the number `first`.
    #[inline]
    pub(super) fn new(numbers: &'a [f64], lanes: usize, first: u32) -> Self {
        check_lanes(lanes);
        Self { numbers, lanes, first }
    }

    /// How many rows there are.
    #[inline]
    pub(super) fn count(&self) -> usize {
        self.numbers.len() / self.lanes
    }

    /// Points at lane `lane` of a row; `lanes - lane` numbers may be read there.
    #[inline(always)]
    #[track_caller]
    pub(super) fn row(&self, row: u32, lane: usize) -> *const f64 {
        // A row before the first one has a number beyond all others. To count the rows would need a division.
        let start = row.wrapping_sub(self.first) as usize * self.lanes;
        if start + self.lanes > self.numbers.len() {
            no_row(row);
        }
        debug_assert!(lane < self.lanes);
        // SAFETY: the row lies in `numbers`, and the lane in the row.
        unsafe { self.numbers.as_ptr().add(start + lane) }
    }
}

impl<'a> Rows<'a> {
    /// A row.
    #[inline(always)]
    #[track_caller]
    pub(super) fn slice(&self, row: u32) -> &'a [f64] {
        // SAFETY: `row` points at `lanes` numbers of the slice.
        unsafe { std::slice::from_raw_parts(self.row(row, 0), self.lanes) }
    }
}

impl<'a> RowsMut<'a> {
    /// The rows of `numbers`, numbered from 0.
    #[inline]
    pub(super) fn new(numbers: &'a mut [f64], lanes: usize) -> Self {
        check_lanes(lanes);
        Self { numbers, lanes }
    }

    /// How many rows there are.
    #[inline]
    pub(super) fn count(&self) -> usize {
        self.numbers.len() / self.lanes
    }

    /// How many numbers a row has.
    #[inline(always)]
    pub(super) fn lanes(&self) -> usize {
        self.lanes
    }

    /// Points at lane `lane` of row 0, for a window that was checked as a whole.
    #[inline(always)]
    pub(super) fn start(&mut self, lane: usize) -> *mut f64 {
        debug_assert!(lane < self.lanes && self.lanes <= self.numbers.len());
        // SAFETY: the lane lies in row 0, and there is one.
        unsafe { self.numbers.as_mut_ptr().add(lane) }
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn no_row(row: u32) -> ! {
    panic!("row {row} is not in the buffer")
}
