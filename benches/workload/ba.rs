//! Bundle adjustment: cameras look at points, and the squares of their errors of reprojection are added up.
//!
//! # Reference
//! Srajer, Kukelova and Fitzgibbon (2018), A benchmark of selected algorithmic differentiation tools on some problems in
//! computer vision and machine learning, doi:10.1080/10556788.2018.1435651.

use dagrad::{Expr, Graph};
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

/// The square of the error of an observation, and of that of its weight.
fn error<'g>(camera: &[Expr<'g>], point: &[Expr<'g>], weight: Expr<'g>, picture: &[Expr<'g>]) -> Expr<'g> {
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
    let mut sum = (1.0 - weight * weight).square();
    for (k, x) in [x, y].into_iter().enumerate() {
        let projected = x * distortion * camera[6] + camera[7 + k];
        sum += (weight * (projected - picture[k])).square();
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
    let (mut sines, mut cosines, mut angles) = ([0.0; N], [0.0; N], [0.0; N]);
    for n in 0..N {
        let [a, b, c] = [own[0][n], own[1][n], own[2][n]];
        angles[n] = (a * a + b * b + c * c).sqrt();
    }
    for n in 0..N {
        (sines[n], cosines[n]) = sin_cos(angles[n]);
    }
    for n in 0..N {
        let (s, c, angle) = (sines[n], cosines[n], angles[n]);
        let inverse = 1.0 / angle;
        let a: [f64; 3] = std::array::from_fn(|i| own[i][n] * inverse);
        let t: [f64; 3] = std::array::from_fn(|i| own[11 + i][n] - own[3 + i][n]);
        let cross = [a[1] * t[2] - a[2] * t[1], a[2] * t[0] - a[0] * t[2], a[0] * t[1] - a[1] * t[0]];
        let dot = a[0] * t[0] + a[1] * t[1] + a[2] * t[2];
        let along = dot * (1.0 - c);
        let p: [f64; 3] = std::array::from_fn(|i| t[i] * c + cross[i] * s + a[i] * along);
        let depth = 1.0 / p[2];
        let (x, y) = (p[0] * depth, p[1] * depth);
        let r = x * x + y * y;
        let (k1, k2, f, w) = (own[9][n], own[10][n], own[6][n], own[14][n]);
        let l = 1.0 + r * (k1 + k2 * r);
        let (ex, ey) = (x * l * f + own[7][n] - picture[0][n], y * l * f + own[8][n] - picture[1][n]);
        let v = 1.0 - w * w;
        value[n] = w * w * (ex * ex + ey * ey) + v * v;
        // From the squares back to the variables.
        bars[14][n] = 2.0 * w * (ex * ex + ey * ey) - 4.0 * v * w;
        let (gx, gy) = (2.0 * w * w * ex, 2.0 * w * w * ey);
        (bars[7][n], bars[8][n]) = (gx, gy);
        bars[6][n] = l * (gx * x + gy * y);
        let l_bar = f * (gx * x + gy * y);
        bars[9][n] = l_bar * r;
        bars[10][n] = l_bar * r * r;
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
        for i in 0..3 {
            bars[i][n] = a_bar[i] * inverse + angle_bar * a[i];
            bars[11 + i][n] = t_bar[i];
            bars[3 + i][n] = -t_bar[i];
        }
    }
    (value, bars)
}
