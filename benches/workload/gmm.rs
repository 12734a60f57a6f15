//! The log-likelihood of a mixture of Gaussians with a Wishart prior, in ten dimensions.
//!
//! # Reference
//! Srajer, Kukelova and Fitzgibbon (2018), A benchmark of selected algorithmic differentiation tools on some problems in
//! computer vision and machine learning, doi:10.1080/10556788.2018.1435651.

use dagrad::{Expr, Graph};
use rand::RngExt as _;

use super::{Workload, generator};

const D: usize = 10;
/// The numbers below the diagonal of a square root of an inverse covariance, column by column.
const BELOW: usize = D * (D - 1) / 2;
const ICF: usize = D + BELOW;
const GAMMA: f64 = 1.0;

/// The variables: the logarithms of the weights, the means, the square roots of the inverse covariances.
pub(crate) struct Gmm {
    k: usize,
    n: usize,
    point: Vec<f64>,
    data: Vec<f64>,
    q_exp: Vec<[f64; D]>,
    centred: Vec<[f64; D]>,
    turned: Vec<[f64; D]>,
    terms: Vec<f64>,
    blocks: Vec<[Lanes; D]>,
    block_terms: Vec<Lanes>,
}

const LANES: usize = 8;
type Lanes = [f64; LANES];

impl Gmm {
    /// `n` points and `k` Gaussians.
    pub(crate) fn new(n: usize, k: usize, seed: u64) -> Self {
        let mut generator = generator(seed);
        let point = (0..k * (1 + D + ICF)).map(|_| generator.random_range(-0.5..0.5)).collect();
        let data: Vec<f64> = (0..n * D).map(|_| generator.random_range(-1.0..1.0)).collect();
        let blocks = data
            .chunks(LANES * D)
            .map(|rows| std::array::from_fn(|j| std::array::from_fn(|l| rows.get(l * D + j).copied().unwrap_or(0.0))))
            .collect();
        Self {
            k,
            n,
            point,
            data,
            q_exp: vec![[0.0; D]; k],
            centred: vec![[0.0; D]; k],
            turned: vec![[0.0; D]; k],
            terms: vec![0.0; k],
            blocks,
            block_terms: vec![[0.0; LANES]; k],
        }
    }

    /// What does not depend on the points: adds the derivatives, returns the value.
    fn rest(&self, gradient: &mut [f64]) -> f64 {
        let (alphas, _, icf) = parts(&self.point, self.k);
        let (alphas_bar, _, icf_bar) = parts_mut(gradient, self.k);
        let n = self.n as f64;
        let most = alphas.iter().fold(f64::NEG_INFINITY, |most, &a| most.max(a));
        let total: f64 = alphas.iter().map(|a| (a - most).exp()).sum();
        for (bar, a) in alphas_bar.iter_mut().zip(alphas) {
            *bar -= n * (a - most).exp() / total;
        }
        let mut prior = 0.0;
        for ((icf, icf_bar), q_exp) in icf.chunks_exact(ICF).zip(icf_bar.chunks_exact_mut(ICF)).zip(&self.q_exp) {
            for j in 0..D {
                prior += q_exp[j] * q_exp[j];
                icf_bar[j] += GAMMA * GAMMA * q_exp[j] * q_exp[j];
            }
            for j in D..ICF {
                prior += icf[j] * icf[j];
                icf_bar[j] += GAMMA * GAMMA * icf[j];
            }
        }
        constant(self.n) - n * (most + total.ln()) + 0.5 * GAMMA * GAMMA * prior
    }

    fn set_q_exp(&mut self) {
        let (_, _, icf) = parts(&self.point, self.k);
        for (q_exp, icf) in self.q_exp.iter_mut().zip(icf.chunks_exact(ICF)) {
            for j in 0..D {
                q_exp[j] = icf[j].exp();
            }
        }
    }
}

fn constant(n: usize) -> f64 {
    -0.5 * (n * D) as f64 * std::f64::consts::TAU.ln()
}

fn parts(point: &[f64], k: usize) -> (&[f64], &[f64], &[f64]) {
    let (alphas, rest) = point.split_at(k);
    let (means, icf) = rest.split_at(k * D);
    (alphas, means, icf)
}

fn parts_mut(point: &mut [f64], k: usize) -> (&mut [f64], &mut [f64], &mut [f64]) {
    let (alphas, rest) = point.split_at_mut(k);
    let (means, icf) = rest.split_at_mut(k * D);
    (alphas, means, icf)
}

impl Workload for Gmm {
    fn name(&self) -> String {
        format!("gmm {}", self.n)
    }

    fn record<'g>(&self, graph: &'g Graph) -> Expr<'g> {
        let all = graph.parameters("p", &self.point);
        let (alphas, rest) = all.split_at(self.k);
        let (means, icf) = rest.split_at(self.k * D);
        let data = graph.inputs("x", self.n * D);
        let q_exp: Vec<Vec<Expr>> =
            icf.chunks_exact(ICF).map(|icf| icf[..D].iter().map(|q| q.exp()).collect()).collect();
        let q_sum: Vec<Expr> = icf.chunks_exact(ICF).map(|icf| graph.sum(&icf[..D])).collect();
        let mut sum = graph.constant(0.0);
        for x in data.chunks_exact(D) {
            let mut terms = Vec::new();
            for k in 0..self.k {
                let centred: Vec<Expr> = (0..D).map(|j| x[j] - means[k * D + j]).collect();
                let mut turned: Vec<Expr> = (0..D).map(|j| q_exp[k][j] * centred[j]).collect();
                let mut below = icf[k * ICF + D..].iter();
                for i in 0..D {
                    for j in i + 1..D {
                        turned[j] += *below.next().expect("as many as there are below the diagonal") * centred[i];
                    }
                }
                let mut squares = graph.constant(0.0);
                for t in turned {
                    squares += t.square();
                }
                terms.push(alphas[k] + q_sum[k] - 0.5 * squares);
            }
            sum += graph.logsumexp(&terms);
        }
        let mut prior = graph.constant(0.0);
        for (icf, q_exp) in icf.chunks_exact(ICF).zip(&q_exp) {
            for q in q_exp {
                prior += q.square();
            }
            for below in &icf[D..] {
                prior += below.square();
            }
        }
        sum - self.n as f64 * graph.logsumexp(alphas) + 0.5 * GAMMA * GAMMA * prior + constant(self.n)
    }

    fn point(&self) -> &[f64] {
        &self.point
    }

    fn data(&self) -> &[f64] {
        &self.data
    }

    fn plain(&mut self, gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        self.set_q_exp();
        let rest = self.rest(gradient);
        let (alphas, means, icf) = parts(&self.point, self.k);
        let (alphas_bar, means_bar, icf_bar) = parts_mut(gradient, self.k);
        let mut sum = 0.0;
        for x in self.data.as_chunks::<D>().0 {
            let mut most = f64::NEG_INFINITY;
            for k in 0..self.k {
                let (mean, icf, q_exp) = (&means[k * D..][..D], &icf[k * ICF..][..ICF], &self.q_exp[k]);
                let c: [f64; D] = std::array::from_fn(|j| x[j] - mean[j]);
                let mut t: [f64; D] = std::array::from_fn(|j| q_exp[j] * c[j]);
                let mut at = D;
                for i in 0..D {
                    for j in i + 1..D {
                        t[j] = icf[at].mul_add(c[i], t[j]);
                        at += 1;
                    }
                }
                let squares: f64 = t.iter().map(|t| t * t).sum();
                let q_sum: f64 = icf[..D].iter().sum();
                self.terms[k] = alphas[k] + q_sum - 0.5 * squares;
                most = most.max(self.terms[k]);
                (self.centred[k], self.turned[k]) = (c, t);
            }
            let mut total = 0.0;
            for term in &mut self.terms {
                *term = (*term - most).exp();
                total += *term;
            }
            sum += most + total.ln();
            for k in 0..self.k {
                let (icf, q_exp) = (&icf[k * ICF..][..ICF], &self.q_exp[k]);
                let (mu_bar, icf_bar) = (&mut means_bar[k * D..][..D], &mut icf_bar[k * ICF..][..ICF]);
                let (c, share) = (&self.centred[k], self.terms[k] / total);
                alphas_bar[k] += share;
                let t_bar: [f64; D] = std::array::from_fn(|j| -share * self.turned[k][j]);
                let mut c_bar: [f64; D] = std::array::from_fn(|j| t_bar[j] * q_exp[j]);
                for j in 0..D {
                    icf_bar[j] += share + c_bar[j] * c[j];
                }
                let mut at = D;
                for i in 0..D {
                    for j in i + 1..D {
                        c_bar[i] = icf[at].mul_add(t_bar[j], c_bar[i]);
                        icf_bar[at] = t_bar[j].mul_add(c[i], icf_bar[at]);
                        at += 1;
                    }
                }
                for j in 0..D {
                    mu_bar[j] -= c_bar[j];
                }
            }
        }
        sum + rest
    }

    fn strong(&mut self, gradient: &mut [f64]) -> Option<f64> {
        gradient.fill(0.0);
        self.set_q_exp();
        let rest = self.rest(gradient);
        let (alphas, means, icf) = parts(&self.point, self.k);
        let (alphas_bar, means_bar, icf_bar) = parts_mut(gradient, self.k);
        let mut sum = 0.0;
        for (block, x) in self.blocks.iter().enumerate() {
            let used = (self.n - block * LANES).min(LANES);
            let mut most = [f64::NEG_INFINITY; LANES];
            for k in 0..self.k {
                let (_, t) = turn(x, &means[k * D..][..D], &icf[k * ICF..][..ICF], &self.q_exp[k]);
                let q_sum: f64 = icf[k * ICF..][..D].iter().sum();
                let mut squares = [0.0; LANES];
                for t in &t {
                    for l in 0..LANES {
                        squares[l] = t[l].mul_add(t[l], squares[l]);
                    }
                }
                for l in 0..LANES {
                    let term = alphas[k] + q_sum - 0.5 * squares[l];
                    self.block_terms[k][l] = term;
                    most[l] = if term > most[l] { term } else { most[l] };
                }
            }
            let mut total = [0.0; LANES];
            for terms in &mut self.block_terms {
                for l in 0..LANES {
                    terms[l] = dagrad::elementary::exp(terms[l] - most[l]);
                    total[l] += terms[l];
                }
            }
            let mut weight = [0.0; LANES];
            for l in 0..used {
                sum += most[l] + dagrad::elementary::ln(total[l]);
                weight[l] = 1.0 / total[l];
            }
            for k in 0..self.k {
                let (icf, q_exp) = (&icf[k * ICF..][..ICF], &self.q_exp[k]);
                let (mu_bar, icf_bar) = (&mut means_bar[k * D..][..D], &mut icf_bar[k * ICF..][..ICF]);
                let (c, t) = turn(x, &means[k * D..][..D], icf, q_exp);
                let share: Lanes = std::array::from_fn(|l| self.block_terms[k][l] * weight[l]);
                let shares = total_of(&share);
                alphas_bar[k] += shares;
                let t_bar: [Lanes; D] = std::array::from_fn(|j| std::array::from_fn(|l| -share[l] * t[j][l]));
                let mut at = D;
                for i in 0..D {
                    let mut c_bar: Lanes = std::array::from_fn(|l| t_bar[i][l] * q_exp[i]);
                    icf_bar[i] += shares + total_of(&std::array::from_fn(|l| c_bar[l] * c[i][l]));
                    for j in i + 1..D {
                        for l in 0..LANES {
                            c_bar[l] = icf[at].mul_add(t_bar[j][l], c_bar[l]);
                        }
                        icf_bar[at] += total_of(&std::array::from_fn(|l| t_bar[j][l] * c[i][l]));
                        at += 1;
                    }
                    mu_bar[i] -= total_of(&c_bar);
                }
            }
        }
        Some(sum + rest)
    }
}

/// The centred points of a block, and the same times a square root of the inverse covariance.
#[inline]
fn turn(x: &[Lanes; D], mean: &[f64], icf: &[f64], q_exp: &[f64; D]) -> ([Lanes; D], [Lanes; D]) {
    let c: [Lanes; D] = std::array::from_fn(|j| std::array::from_fn(|l| x[j][l] - mean[j]));
    let mut t: [Lanes; D] = std::array::from_fn(|j| std::array::from_fn(|l| q_exp[j] * c[j][l]));
    let mut at = D;
    for i in 0..D {
        for j in i + 1..D {
            for l in 0..LANES {
                t[j][l] = icf[at].mul_add(c[i][l], t[j][l]);
            }
            at += 1;
        }
    }
    (c, t)
}

#[inline]
fn total_of(s: &Lanes) -> f64 {
    ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))
}
