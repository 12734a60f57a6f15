//! Bundle adjustment: cameras look at points, and the squares of their errors of reprojection are added up.
//!
//! # Reference
//! Srajer, Kukelova and Fitzgibbon (2018), A benchmark of selected algorithmic differentiation tools on some problems in
//! computer vision and machine learning, doi:10.1080/10556788.2018.1435651.

use std::ops::Range;

use dagrad::{Expr, Graph, Program, Workspace};
use rand::RngExt as _;

use super::{Workload, generator};

/// Rotation, centre, focal length, middle of the picture and two coefficients of distortion.
const CAMERA: usize = 11;
/// The numbers on which one observation depends: a camera, a point and a weight.
const OWN: usize = CAMERA + 3 + 1;

/// The variables are the cameras, the points and the weights; the data are the pictures of the points.
pub(crate) struct BundleAdjustment {
    cameras: usize,
    points: usize,
    /// The camera and the point of each observation.
    seen: Vec<(usize, usize)>,
    point: Vec<f64>,
    data: Vec<f64>,
}

impl BundleAdjustment {
    pub(crate) fn new(cameras: usize, points: usize, observations: usize, seed: u64) -> Self {
        let mut generator = generator(seed);
        let mut point = Vec::new();
        for _ in 0..cameras {
            let middles = [0.1, 0.2, 0.3, 0.0, 0.0, 5.0, 1.0, 0.0, 0.0, 0.01, 0.001];
            point.extend(middles.map(|middle: f64| middle + 0.1 * middle.max(0.5) * generator.random_range(-1.0..1.0)));
        }
        point.extend((0..3 * points).map(|_| generator.random_range(-1.0..1.0)));
        point.extend((0..observations).map(|_| generator.random_range(0.5..1.5)));
        let seen = (0..observations)
            .map(|_| (generator.random_range(0..cameras), generator.random_range(0..points)))
            .collect();
        let data = (0..2 * observations).map(|_| generator.random_range(-0.3..0.3)).collect();
        Self { cameras, points, seen, point, data }
    }

    /// Where the camera, the point and the weight of an observation begin among the variables.
    fn places(&self, observation: usize) -> [usize; 3] {
        let (camera, point) = self.seen[observation];
        let points = self.cameras * CAMERA;
        [camera * CAMERA, points + 3 * point, points + 3 * self.points + observation]
    }
}

/// Where a camera sees a point.
fn projected<'g>(camera: &[Expr<'g>], point: &[Expr<'g>]) -> [Expr<'g>; 2] {
    let turned: Vec<Expr> = (0..3).map(|i| point[i] - camera[3 + i]).collect();
    let rotation = &camera[..3];
    let angle_square = rotation[0] * rotation[0] + rotation[1] * rotation[1] + rotation[2] * rotation[2];
    let angle = angle_square.sqrt();
    let (sine, cosine) = (angle.sin(), angle.cos());
    let axis: Vec<Expr> = rotation.iter().map(|&r| r / angle).collect();
    let across = [
        axis[1] * turned[2] - axis[2] * turned[1],
        axis[2] * turned[0] - axis[0] * turned[2],
        axis[0] * turned[1] - axis[1] * turned[0],
    ];
    let along = (axis[0] * turned[0] + axis[1] * turned[1] + axis[2] * turned[2]) * (1.0 - cosine);
    let seen: Vec<Expr> = (0..3).map(|i| turned[i] * cosine + across[i] * sine + axis[i] * along).collect();
    let (x, y) = (seen[0] / seen[2], seen[1] / seen[2]);
    let square = x * x + y * y;
    let distortion = 1.0 + camera[9] * square + camera[10] * square * square;
    [x * distortion * camera[6] + camera[7], y * distortion * camera[6] + camera[8]]
}

/// The square of the error of an observation, and of that of its weight.
fn error<'g>(camera: &[Expr<'g>], point: &[Expr<'g>], weight: Expr<'g>, picture: &[Expr<'g>]) -> Expr<'g> {
    let mut sum = (1.0 - weight * weight).square();
    for (projected, &seen) in projected(camera, point).into_iter().zip(picture) {
        sum += (weight * (projected - seen)).square();
    }
    sum
}

impl Workload for BundleAdjustment {
    fn name(&self) -> String {
        format!("ba {}", self.seen.len())
    }

    fn record<'g>(&self, graph: &'g Graph) -> Expr<'g> {
        let all = graph.parameters("p", &self.point);
        let pictures = graph.inputs("picture", self.data.len());
        let mut sum = graph.constant(0.0);
        for (observation, picture) in pictures.chunks_exact(2).enumerate() {
            let [camera, point, weight] = self.places(observation);
            sum += error(&all[camera..camera + CAMERA], &all[point..point + 3], all[weight], picture);
        }
        sum
    }

    fn point(&self) -> &[f64] {
        &self.point
    }

    fn data(&self) -> &[f64] {
        &self.data
    }

    fn plain(&mut self, gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        let mut sum = 0.0;
        for (observation, picture) in self.data.as_chunks::<2>().0.iter().enumerate() {
            let [camera, point, weight] = self.places(observation);
            let at = |i: usize| self.point[place(camera, point, weight, i)];
            let own: [[f64; 1]; OWN] = std::array::from_fn(|i| [at(i)]);
            let (value, bars) = side_by_side(&own, &[[picture[0]], [picture[1]]], f64::sin_cos);
            sum += value[0];
            for (i, bar) in bars.iter().enumerate() {
                gradient[place(camera, point, weight, i)] += bar[0];
            }
        }
        sum
    }

    fn strong(&mut self, gradient: &mut [f64]) -> Option<f64> {
        const LANES: usize = 8;
        gradient.fill(0.0);
        let count = self.seen.len();
        let mut sum = 0.0;
        for start in (0..count).step_by(LANES) {
            let of_lane = |lane: usize| (start + lane).min(count - 1);
            let places: [[usize; 3]; LANES] = std::array::from_fn(|lane| self.places(of_lane(lane)));
            let at = |lane: usize, i: usize| {
                let [camera, point, weight] = places[lane];
                place(camera, point, weight, i)
            };
            let own: [[f64; LANES]; OWN] = std::array::from_fn(|i| std::array::from_fn(|lane| self.point[at(lane, i)]));
            let picture: [[f64; LANES]; 2] =
                std::array::from_fn(|k| std::array::from_fn(|lane| self.data[2 * of_lane(lane) + k]));
            let (value, bars) =
                side_by_side(&own, &picture, |x| (dagrad::elementary::sin(x), dagrad::elementary::cos(x)));
            let used = (count - start).min(LANES);
            sum += value[..used].iter().sum::<f64>();
            for lane in 0..used {
                for (i, bar) in bars.iter().enumerate() {
                    gradient[at(lane, i)] += bar[lane];
                }
            }
        }
        Some(sum)
    }
}

/// The place among the variables of number `i` of an observation.
fn place(camera: usize, point: usize, weight: usize, i: usize) -> usize {
    match i {
        ..CAMERA => camera + i,
        11..14 => point + i - CAMERA,
        _ => weight,
    }
}

/// The errors of `N` observations and their derivatives.
#[inline]
fn side_by_side<const N: usize>(
    own: &[[f64; N]; OWN],
    picture: &[[f64; N]; 2],
    sin_cos: impl Fn(f64) -> (f64, f64),
) -> ([f64; N], [[f64; N]; OWN]) {
    let (mut value, mut bars) = ([0.0; N], [[0.0; N]; OWN]);
    let angles = Angles::of(own, sin_cos);
    for n in 0..N {
        let seen = Seen::new(own, &angles, n);
        let w = own[14][n];
        let (ex, ey) = (seen.projected[0] - picture[0][n], seen.projected[1] - picture[1][n]);
        let v = 1.0 - w * w;
        value[n] = w * w * (ex * ex + ey * ey) + v * v;
        bars[14][n] = 2.0 * w * (ex * ex + ey * ey) - 4.0 * v * w;
        let back = seen.back(2.0 * w * w * ex, 2.0 * w * w * ey);
        for (bar, number) in bars.iter_mut().zip(back) {
            bar[n] = number;
        }
    }
    (value, bars)
}

/// The angles of `N` rotations, with sines and cosines.
struct Angles<const N: usize> {
    angle: [f64; N],
    sine: [f64; N],
    cosine: [f64; N],
}

impl<const N: usize> Angles<N> {
    #[inline]
    fn of(own: &[[f64; N]; OWN], sin_cos: impl Fn(f64) -> (f64, f64)) -> Self {
        let (mut angle, mut sine, mut cosine) = ([0.0; N], [0.0; N], [0.0; N]);
        for n in 0..N {
            let [a, b, c] = [own[0][n], own[1][n], own[2][n]];
            angle[n] = (a * a + b * b + c * c).sqrt();
        }
        for n in 0..N {
            (sine[n], cosine[n]) = sin_cos(angle[n]);
        }
        Self { angle, sine, cosine }
    }
}

/// A point in a picture, with what leads to it.
struct Seen {
    projected: [f64; 2],
    a: [f64; 3],
    t: [f64; 3],
    cross: [f64; 3],
    inverse: f64,
    dot: f64,
    along: f64,
    s: f64,
    c: f64,
    depth: f64,
    x: f64,
    y: f64,
    r: f64,
    k1: f64,
    k2: f64,
    f: f64,
    l: f64,
}

impl Seen {
    #[inline]
    fn new<const N: usize>(own: &[[f64; N]; OWN], angles: &Angles<N>, n: usize) -> Self {
        let (s, c) = (angles.sine[n], angles.cosine[n]);
        let inverse = 1.0 / angles.angle[n];
        let a: [f64; 3] = std::array::from_fn(|i| own[i][n] * inverse);
        let t: [f64; 3] = std::array::from_fn(|i| own[11 + i][n] - own[3 + i][n]);
        let cross = [a[1] * t[2] - a[2] * t[1], a[2] * t[0] - a[0] * t[2], a[0] * t[1] - a[1] * t[0]];
        let dot = a[0] * t[0] + a[1] * t[1] + a[2] * t[2];
        let along = dot * (1.0 - c);
        let p: [f64; 3] = std::array::from_fn(|i| t[i] * c + cross[i] * s + a[i] * along);
        let depth = 1.0 / p[2];
        let (x, y) = (p[0] * depth, p[1] * depth);
        let r = x * x + y * y;
        let (k1, k2, f) = (own[9][n], own[10][n], own[6][n]);
        let l = 1.0 + r * (k1 + k2 * r);
        let projected = [x * l * f + own[7][n], y * l * f + own[8][n]];
        Self { projected, a, t, cross, inverse, dot, along, s, c, depth, x, y, r, k1, k2, f, l }
    }

    /// From the adjoints of the projected point to those of the camera and the point.
    #[inline]
    fn back(&self, gx: f64, gy: f64) -> [f64; CAMERA + 3] {
        let &Self { a, t, cross, inverse, dot, along, s, c, depth, x, y, r, k1, k2, f, l, .. } = self;
        let l_bar = f * (gx * x + gy * y);
        let r_bar = l_bar * (k1 + 2.0 * k2 * r);
        let (x_bar, y_bar) = (gx * l * f + 2.0 * r_bar * x, gy * l * f + 2.0 * r_bar * y);
        let p_bar = [x_bar * depth, y_bar * depth, -depth * (x_bar * x + y_bar * y)];
        let along_bar = a[0] * p_bar[0] + a[1] * p_bar[1] + a[2] * p_bar[2];
        let cross_bar: [f64; 3] = p_bar.map(|bar| bar * s);
        let dot_bar = along_bar * (1.0 - c);
        let c_bar = p_bar[0] * t[0] + p_bar[1] * t[1] + p_bar[2] * t[2] - along_bar * dot;
        let s_bar = p_bar[0] * cross[0] + p_bar[1] * cross[1] + p_bar[2] * cross[2];
        let mut t_bar: [f64; 3] = std::array::from_fn(|i| p_bar[i] * c + dot_bar * a[i]);
        let mut a_bar: [f64; 3] = std::array::from_fn(|i| p_bar[i] * along + dot_bar * t[i]);
        for i in 0..3 {
            let (j, k) = ((i + 1) % 3, (i + 2) % 3);
            // cross[i] = a[j] t[k] − a[k] t[j].
            a_bar[j] += cross_bar[i] * t[k];
            a_bar[k] -= cross_bar[i] * t[j];
            t_bar[k] += cross_bar[i] * a[j];
            t_bar[j] -= cross_bar[i] * a[k];
        }
        let on_axis = a[0] * a_bar[0] + a[1] * a_bar[1] + a[2] * a_bar[2];
        let angle_bar = c * s_bar - s * c_bar - on_axis * inverse;
        let turn: [f64; 3] = std::array::from_fn(|i| a_bar[i] * inverse + angle_bar * a[i]);
        let l_share = gx * x + gy * y;
        [
            turn[0],
            turn[1],
            turn[2],
            -t_bar[0],
            -t_bar[1],
            -t_bar[2],
            l * l_share,
            gx,
            gy,
            l_bar * r,
            l_bar * r * r,
            t_bar[0],
            t_bar[1],
            t_bar[2],
        ]
    }
}

/// Fills a column with a number of each observation.
fn fill<T: Copy>(column: &mut [f64], of: &[T], number: impl Fn(T) -> f64) {
    column.iter_mut().zip(of).for_each(|(to, &of)| *to = number(of));
}

/// How many numbers an observation has in the Jacobian: two errors by camera, point and weight, each row after the other.
const BLOCK: usize = 2 * OWN;

/// The block-sparse Jacobian of the errors, a block for each observation, by one small program over lanes.
impl BundleAdjustment {
    /// The two errors of one observation, as functions of its own numbers and of its picture.
    fn errors<'g>(own: &[Expr<'g>], picture: &[Expr<'g>]) -> Vec<Expr<'g>> {
        let (camera, rest) = own.split_at(CAMERA);
        projected(camera, &rest[..3]).into_iter().zip(picture).map(|(x, &seen)| rest[3] * (x - seen)).collect()
    }

    /// The own numbers of some observations, then their pictures, `[input][lane]`.
    fn columns(&self, observations: Range<usize>, columns: &mut [f64]) {
        let (cameras, rest) = self.point.split_at(self.cameras * CAMERA);
        let (points, weights) = rest.split_at(self.points * 3);
        let seen = &self.seen[observations.clone()];
        let data = &self.data[2 * observations.start..2 * observations.end];
        for (i, column) in columns.chunks_exact_mut(observations.len()).enumerate() {
            match i {
                ..CAMERA => fill(column, seen, |(camera, _)| cameras[camera * CAMERA + i]),
                11..14 => fill(column, seen, |(_, point)| points[point * 3 + i - CAMERA]),
                14 => column.copy_from_slice(&weights[observations.clone()]),
                _ => fill(column, data.as_chunks::<2>().0, |picture| picture[i - OWN]),
            }
        }
    }

    /// The Jacobian written by hand, block after block.
    pub(crate) fn plain_jacobian(&self, blocks: &mut [f64]) {
        for (observation, block) in blocks.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
            let [camera, point, weight] = self.places(observation);
            let own: [[f64; 1]; OWN] = std::array::from_fn(|i| [self.point[place(camera, point, weight, i)]]);
            let seen = Seen::new(&own, &Angles::of(&own, f64::sin_cos), 0);
            let w = own[14][0];
            for (k, row) in block.as_chunks_mut::<OWN>().0.iter_mut().enumerate() {
                let back = if k == 0 { seen.back(w, 0.0) } else { seen.back(0.0, w) };
                row[..OWN - 1].copy_from_slice(&back);
                row[OWN - 1] = seen.projected[k] - self.data[2 * observation + k];
            }
        }
    }

    /// How many observations there are.
    pub(crate) fn observations(&self) -> usize {
        self.seen.len()
    }

    /// How many numbers all blocks have.
    pub(crate) fn numbers(&self) -> usize {
        BLOCK * self.seen.len()
    }
}

/// How many observations the small program takes at once: what they read and write stays in the cache.
const AT_ONCE: usize = 1000;

/// The Jacobian by one small program, whose outputs are the entries of a block, derived as nodes.
pub(crate) struct ByProgram {
    bundle: BundleAdjustment,
    program: Program,
    /// For so many observations, and for the rest.
    workspaces: [Workspace; 2],
    columns: Vec<f64>,
    /// How many nodes the graph has, and how many operations the errors have.
    pub(crate) nodes: usize,
    pub(crate) operations: usize,
}

impl ByProgram {
    pub(crate) fn new(bundle: BundleAdjustment) -> Self {
        let graph = Graph::new();
        let (own, picture) = (graph.inputs("own", OWN), graph.inputs("picture", 2));
        let errors = BundleAdjustment::errors(&own, &picture);
        let operations = graph.compile(&errors).expect("its own nodes").operation_count() * bundle.seen.len();
        let program = graph.compile(&graph.jacobian(&errors, &own).concat()).expect("its own nodes");
        let rest = bundle.seen.len() % AT_ONCE;
        let workspaces = [AT_ONCE, rest].map(|lanes| program.workspace(lanes));
        let columns = vec![0.0; program.input_count() * AT_ONCE];
        Self { bundle, program, workspaces, columns, nodes: graph.len(), operations }
    }

    /// The blocks of some observations, those of the next and so on: of each `[entry][observation]`.
    pub(crate) fn jacobian(&mut self, blocks: &mut [f64]) {
        let inputs = self.program.input_count();
        for (first, blocks) in (0..).step_by(AT_ONCE).zip(blocks.chunks_mut(AT_ONCE * BLOCK)) {
            let lanes = blocks.len() / BLOCK;
            let columns = &mut self.columns[..inputs * lanes];
            self.bundle.columns(first..first + lanes, columns);
            let workspace = &mut self.workspaces[usize::from(lanes < AT_ONCE)];
            self.program.outputs_into(&[], columns, workspace).expect("the counts are right");
            for (entry, row) in blocks.chunks_exact_mut(lanes).enumerate() {
                row.copy_from_slice(workspace.output(entry));
            }
        }
    }

    /// What [`ByProgram::jacobian`] gives, in the order of [`BundleAdjustment::plain_jacobian`].
    pub(crate) fn in_order(blocks: &[f64]) -> Vec<f64> {
        let turned = |blocks: &[f64]| {
            let lanes = blocks.len() / BLOCK;
            (0..blocks.len()).map(|i| blocks[i % BLOCK * lanes + i / BLOCK]).collect::<Vec<f64>>()
        };
        blocks.chunks(AT_ONCE * BLOCK).flat_map(turned).collect()
    }

    /// The bytes of its buffers.
    pub(crate) fn bytes(&self) -> usize {
        self.workspaces.iter().map(Workspace::bytes).sum::<usize>() + 8 * self.columns.len()
    }

    /// What the observations are of.
    pub(crate) fn bundle(&self) -> &BundleAdjustment {
        &self.bundle
    }
}
