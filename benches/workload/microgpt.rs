//! One step of a scalar transformer: its loss at one document, by the model of `examples/microgpt`.

use dagrad::{Expr, Graph, elementary};
use rand::RngExt as _;

use super::model::{CONTEXT, HEADS, INNER, Model, TOKENS, WIDTH, tokens, weight_count};
use super::{Workload, generator};

const SIZE: usize = WIDTH / HEADS;
/// Where each matrix begins among the weights.
const POSITIONS: usize = TOKENS * WIDTH;
const LOGITS: usize = POSITIONS + CONTEXT * WIDTH;
const QUERY: usize = LOGITS + TOKENS * WIDTH;
const KEY: usize = QUERY + WIDTH * WIDTH;
const VALUE: usize = KEY + WIDTH * WIDTH;
const OUT: usize = VALUE + WIDTH * WIDTH;
const UP: usize = OUT + WIDTH * WIDTH;
const DOWN: usize = UP + INNER * WIDTH;

type Row = [f64; WIDTH];

/// What the code by hand keeps of a place.
#[derive(Clone, Copy)]
struct Place {
    scales: [f64; 3],
    embedded: Row,
    before: Row,
    x: Row,
    query: Row,
    key: Row,
    value: Row,
    shares: [[f64; CONTEXT]; HEADS],
    seen: Row,
    after: Row,
    normal: Row,
    inner: [f64; INNER],
    last: Row,
    exps: [f64; TOKENS],
    total: f64,
}

const EMPTY: Place = Place {
    scales: [0.0; 3],
    embedded: [0.0; WIDTH],
    before: [0.0; WIDTH],
    x: [0.0; WIDTH],
    query: [0.0; WIDTH],
    key: [0.0; WIDTH],
    value: [0.0; WIDTH],
    shares: [[0.0; CONTEXT]; HEADS],
    seen: [0.0; WIDTH],
    after: [0.0; WIDTH],
    normal: [0.0; WIDTH],
    inner: [0.0; INNER],
    last: [0.0; WIDTH],
    exps: [0.0; TOKENS],
    total: 0.0,
};

pub(crate) struct MicroGpt {
    document: String,
    tokens: Vec<usize>,
    point: Vec<f64>,
    places: Vec<Place>,
}

impl MicroGpt {
    /// The loss at a document of letters from a to z.
    pub(crate) fn new(document: &str, seed: u64) -> Self {
        let mut generator = generator(seed);
        let point = (0..weight_count()).map(|_| generator.random_range(-0.14..0.14)).collect();
        let tokens = tokens(document).expect("a document of letters");
        let places = vec![EMPTY; tokens.len() - 1];
        Self { document: document.to_owned(), tokens, point, places }
    }

    fn run(&mut self, gradient: &mut [f64]) -> f64 {
        let Self { tokens, point: w, places, .. } = self;
        gradient.fill(0.0);
        let n = places.len();
        let mut loss = 0.0;
        for t in 0..n {
            let (known, rest) = places.split_at_mut(t);
            let p = &mut rest[0];
            for j in 0..WIDTH {
                p.embedded[j] = w[tokens[t] * WIDTH + j] + w[POSITIONS + t * WIDTH + j];
            }
            (p.scales[0], p.before) = normalise(&p.embedded);
            (p.scales[1], p.x) = normalise(&p.before);
            product(&w[QUERY..], &p.x, &mut p.query);
            product(&w[KEY..], &p.x, &mut p.key);
            product(&w[VALUE..], &p.x, &mut p.value);
            p.seen = [0.0; WIDTH];
            for h in 0..HEADS {
                let own = h * SIZE..(h + 1) * SIZE;
                let mut most = f64::NEG_INFINITY;
                for s in 0..=t {
                    let key = if s < t { &known[s].key } else { &p.key };
                    let score = 0.5 * own.clone().map(|j| p.query[j] * key[j]).sum::<f64>();
                    p.shares[h][s] = score;
                    most = most.max(score);
                }
                let mut total = 0.0;
                for share in &mut p.shares[h][..=t] {
                    *share = (*share - most).exp();
                    total += *share;
                }
                for s in 0..=t {
                    p.shares[h][s] /= total;
                    let value = if s < t { &known[s].value } else { &p.value };
                    for j in own.clone() {
                        p.seen[j] += p.shares[h][s] * value[j];
                    }
                }
            }
            product(&w[OUT..], &p.seen, &mut p.after);
            for j in 0..WIDTH {
                p.after[j] += p.before[j];
            }
            (p.scales[2], p.normal) = normalise(&p.after);
            product(&w[UP..], &p.normal, &mut p.inner);
            for x in &mut p.inner {
                *x = x.max(0.0);
            }
            product(&w[DOWN..], &p.inner, &mut p.last);
            for j in 0..WIDTH {
                p.last[j] += p.after[j];
            }
            let mut z = [0.0; TOKENS];
            product(&w[LOGITS..], &p.last, &mut z);
            let most = z.iter().fold(f64::NEG_INFINITY, |most, &z| most.max(z));
            p.exps = z.map(|z| (z - most).exp());
            p.total = p.exps.iter().sum();
            loss += most + p.total.ln() - z[tokens[t + 1]];
        }
        let mut key_bars = [[0.0; WIDTH]; CONTEXT];
        let mut value_bars = [[0.0; WIDTH]; CONTEXT];
        let share_of_place = 1.0 / n as f64;
        for t in (0..n).rev() {
            let p = &places[t];
            let mut z_bar = p.exps.map(|exp| exp / p.total * share_of_place);
            z_bar[tokens[t + 1]] -= share_of_place;
            let mut last_bar = [0.0; WIDTH];
            transposed(&w[LOGITS..], &z_bar, &p.last, &mut gradient[LOGITS..], &mut last_bar);
            let mut inner_bar = [0.0; INNER];
            transposed(&w[DOWN..], &last_bar, &p.inner, &mut gradient[DOWN..], &mut inner_bar);
            for (bar, x) in inner_bar.iter_mut().zip(&p.inner) {
                *bar = if *x > 0.0 { *bar } else { 0.0 };
            }
            let mut normal_bar = [0.0; WIDTH];
            transposed(&w[UP..], &inner_bar, &p.normal, &mut gradient[UP..], &mut normal_bar);
            let mut after_bar = last_bar;
            denormalise(p.scales[2], &p.normal, &normal_bar, &mut after_bar);
            let mut seen_bar = [0.0; WIDTH];
            transposed(&w[OUT..], &after_bar, &p.seen, &mut gradient[OUT..], &mut seen_bar);
            let mut query_bar = [0.0; WIDTH];
            for h in 0..HEADS {
                let own = h * SIZE..(h + 1) * SIZE;
                let mut share_bars = [0.0; CONTEXT];
                let mut mean = 0.0;
                for s in 0..=t {
                    for j in own.clone() {
                        share_bars[s] += seen_bar[j] * places[s].value[j];
                        value_bars[s][j] += seen_bar[j] * p.shares[h][s];
                    }
                    mean += share_bars[s] * p.shares[h][s];
                }
                for s in 0..=t {
                    let score_bar = 0.5 * p.shares[h][s] * (share_bars[s] - mean);
                    for j in own.clone() {
                        query_bar[j] += score_bar * places[s].key[j];
                        key_bars[s][j] += score_bar * p.query[j];
                    }
                }
            }
            let mut x_bar = [0.0; WIDTH];
            transposed(&w[QUERY..], &query_bar, &p.x, &mut gradient[QUERY..], &mut x_bar);
            transposed(&w[KEY..], &key_bars[t], &p.x, &mut gradient[KEY..], &mut x_bar);
            transposed(&w[VALUE..], &value_bars[t], &p.x, &mut gradient[VALUE..], &mut x_bar);
            let mut before_bar = after_bar;
            denormalise(p.scales[1], &p.x, &x_bar, &mut before_bar);
            let mut bar = [0.0; WIDTH];
            denormalise(p.scales[0], &p.before, &before_bar, &mut bar);
            for j in 0..WIDTH {
                gradient[tokens[t] * WIDTH + j] += bar[j];
                gradient[POSITIONS + t * WIDTH + j] += bar[j];
            }
        }
        loss * share_of_place
    }
}

fn normalise(x: &Row) -> (f64, Row) {
    let mut squares = 0.0;
    for x in x {
        squares += x * x;
    }
    let scale = 1.0 / (squares / WIDTH as f64 + 1e-5).sqrt();
    (scale, x.map(|x| x * scale))
}

/// Adds the adjoint of what was normalised: s (ȳ − y (y · ȳ) / n).
fn denormalise(scale: f64, y: &Row, y_bar: &Row, x_bar: &mut Row) {
    let dot: f64 = y.iter().zip(y_bar).map(|(a, b)| a * b).sum::<f64>() / WIDTH as f64;
    for j in 0..WIDTH {
        x_bar[j] += scale * (y_bar[j] - y[j] * dot);
    }
}

/// y = W x, the terms of a row in eight chains.
fn product<const M: usize, const K: usize>(w: &[f64], x: &[f64; K], y: &mut [f64; M]) {
    for (y, row) in y.iter_mut().zip(w.chunks_exact(K)) {
        let mut sums = [0.0; 8];
        for (row, x) in row.as_chunks::<8>().0.iter().zip(x.as_chunks::<8>().0) {
            for l in 0..8 {
                sums[l] = row[l].mul_add(x[l], sums[l]);
            }
        }
        *y = ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
    }
}

/// x̄ += Wᵀ ȳ and W̄ += ȳ xᵀ.
fn transposed<const M: usize, const K: usize>(
    w: &[f64],
    y_bar: &[f64; M],
    x: &[f64; K],
    w_bar: &mut [f64],
    x_bar: &mut [f64; K],
) {
    for ((&bar, row), row_bar) in y_bar.iter().zip(w.chunks_exact(K)).zip(w_bar.chunks_exact_mut(K)) {
        for k in 0..K {
            x_bar[k] = row[k].mul_add(bar, x_bar[k]);
            row_bar[k] = x[k].mul_add(bar, row_bar[k]);
        }
    }
}

impl Workload for MicroGpt {
    fn name(&self) -> String {
        format!("microgpt {}", self.document)
    }

    fn record<'g>(&self, graph: &'g Graph) -> Expr<'g> {
        let model = Model::new(graph, &graph.parameters("w", &self.point));
        let seen = &self.tokens[..self.tokens.len() - 1];
        let logits = model.logits(&seen.iter().map(|&token| model.token(token)).collect::<Vec<_>>());
        model.loss(&logits, |place, logits| logits[self.tokens[place + 1]])
    }

    fn point(&self) -> &[f64] {
        &self.point
    }

    fn data(&self) -> &[f64] {
        &[]
    }

    fn plain(&mut self, gradient: &mut [f64]) -> f64 {
        self.run(gradient)
    }

    fn strong(&mut self, gradient: &mut [f64]) -> Option<f64> {
        Some(if self.places.len() <= 8 { self.side_by_side::<8>(gradient) } else { self.side_by_side::<16>(gradient) })
    }
}

/// A number at each of `P` places side by side.
type Side<const P: usize> = [f64; P];

impl MicroGpt {
    /// All places side by side, in vectors; those beyond the last are zeros.
    fn side_by_side<const P: usize>(&self, gradient: &mut [f64]) -> f64 {
        let (w, n) = (self.point.as_slice(), self.places.len());
        gradient[..LOGITS].fill(0.0);
        let mut embedded = [[0.0; P]; WIDTH];
        for (t, &token) in self.tokens[..n].iter().enumerate() {
            for j in 0..WIDTH {
                embedded[j][t] = w[token * WIDTH + j] + w[POSITIONS + t * WIDTH + j];
            }
        }
        let (first_scale, before) = normalise_all(&embedded);
        let (second_scale, x) = normalise_all(&before);
        let query: [Side<P>; WIDTH] = product_all(&w[QUERY..], &x);
        let key: [Side<P>; WIDTH] = product_all(&w[KEY..], &x);
        let value: [Side<P>; WIDTH] = product_all(&w[VALUE..], &x);
        let mut shares = [[[0.0; P]; P]; HEADS];
        let mut seen = [[0.0; P]; WIDTH];
        for h in 0..HEADS {
            let own = h * SIZE..(h + 1) * SIZE;
            let shares = &mut shares[h][..n];
            let (mut most, mut total) = ([f64::NEG_INFINITY; P], [0.0; P]);
            for (s, share) in shares.iter_mut().enumerate() {
                for j in own.clone() {
                    add_scaled(0.5 * key[j][s], &query[j], share);
                }
                share[..s].fill(f64::NEG_INFINITY);
                for t in 0..P {
                    most[t] = if share[t] > most[t] { share[t] } else { most[t] };
                }
            }
            for share in &mut *shares {
                for t in 0..P {
                    share[t] = elementary::exp(share[t] - most[t]);
                    total[t] += share[t];
                }
            }
            for (s, share) in shares.iter_mut().enumerate() {
                for t in 0..P {
                    share[t] /= total[t];
                }
                for j in own.clone() {
                    add_scaled(value[j][s], share, &mut seen[j]);
                }
            }
        }
        let mut after: [Side<P>; WIDTH] = product_all(&w[OUT..], &seen);
        add_all(&before, &mut after);
        let (third_scale, normal) = normalise_all(&after);
        let mut inner: [Side<P>; INNER] = product_all(&w[UP..], &normal);
        for x in inner.as_flattened_mut() {
            *x = if *x > 0.0 { *x } else { 0.0 };
        }
        let mut last: [Side<P>; WIDTH] = product_all(&w[DOWN..], &inner);
        add_all(&after, &mut last);
        let mut z: [Side<P>; TOKENS] = product_all(&w[LOGITS..], &last);
        let (mut most, mut total) = ([f64::NEG_INFINITY; P], [0.0; P]);
        for z in &z {
            for t in 0..P {
                most[t] = if z[t] > most[t] { z[t] } else { most[t] };
            }
        }
        let mut loss = 0.0;
        for t in 0..n {
            loss += most[t] - z[self.tokens[t + 1]][t];
        }
        for z in &mut z {
            for t in 0..P {
                z[t] = elementary::exp(z[t] - most[t]);
                total[t] += z[t];
            }
        }
        let share_of_place = 1.0 / n as f64;
        let mut scale = [0.0; P];
        for t in 0..n {
            loss += elementary::ln(total[t]);
            scale[t] = share_of_place / total[t];
        }
        for z in &mut z {
            for t in 0..P {
                z[t] *= scale[t];
            }
        }
        for t in 0..n {
            z[self.tokens[t + 1]][t] -= share_of_place;
        }
        let last_bar = transposed_all(&w[LOGITS..], &z, &last, &mut gradient[LOGITS..]);
        let mut inner_bar = transposed_all(&w[DOWN..], &last_bar, &inner, &mut gradient[DOWN..]);
        for (bar, x) in inner_bar.as_flattened_mut().iter_mut().zip(inner.as_flattened()) {
            *bar = if *x > 0.0 { *bar } else { 0.0 };
        }
        let normal_bar = transposed_all(&w[UP..], &inner_bar, &normal, &mut gradient[UP..]);
        let mut after_bar = last_bar;
        denormalise_all(&third_scale, &normal, &normal_bar, &mut after_bar);
        let seen_bar = transposed_all(&w[OUT..], &after_bar, &seen, &mut gradient[OUT..]);
        let (mut query_bar, mut key_bar) = ([[0.0; P]; WIDTH], [[0.0; P]; WIDTH]);
        let mut value_bar = [[0.0; P]; WIDTH];
        for h in 0..HEADS {
            let own = h * SIZE..(h + 1) * SIZE;
            let (mut bars, mut mean) = ([[0.0; P]; P], [0.0; P]);
            for s in 0..n {
                for j in own.clone() {
                    add_scaled(value[j][s], &seen_bar[j], &mut bars[s]);
                }
                for t in 0..P {
                    mean[t] = bars[s][t].mul_add(shares[h][s][t], mean[t]);
                }
            }
            for s in 0..n {
                for t in 0..P {
                    bars[s][t] = 0.5 * shares[h][s][t] * (bars[s][t] - mean[t]);
                }
                for j in own.clone() {
                    add_scaled(key[j][s], &bars[s], &mut query_bar[j]);
                }
            }
            let (bars, shares) = (turned(&bars), turned(&shares[h]));
            for t in 0..n {
                for j in own.clone() {
                    add_scaled(query[j][t], &bars[t], &mut key_bar[j]);
                    add_scaled(seen_bar[j][t], &shares[t], &mut value_bar[j]);
                }
            }
        }
        let mut x_bar = transposed_all(&w[QUERY..], &query_bar, &x, &mut gradient[QUERY..]);
        add_all(&transposed_all(&w[KEY..], &key_bar, &x, &mut gradient[KEY..]), &mut x_bar);
        add_all(&transposed_all(&w[VALUE..], &value_bar, &x, &mut gradient[VALUE..]), &mut x_bar);
        let mut before_bar = after_bar;
        denormalise_all(&second_scale, &x, &x_bar, &mut before_bar);
        let mut bar = [[0.0; P]; WIDTH];
        denormalise_all(&first_scale, &before, &before_bar, &mut bar);
        for (t, &token) in self.tokens[..n].iter().enumerate() {
            for j in 0..WIDTH {
                gradient[token * WIDTH + j] += bar[j][t];
                gradient[POSITIONS + t * WIDTH + j] += bar[j][t];
            }
        }
        loss * share_of_place
    }
}

/// `to` += `factor` `from`.
#[inline]
fn add_scaled<const P: usize>(factor: f64, from: &Side<P>, to: &mut Side<P>) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = from.mul_add(factor, *to);
    }
}

fn add_all<const P: usize, const K: usize>(from: &[Side<P>; K], to: &mut [Side<P>; K]) {
    for (to, from) in to.as_flattened_mut().iter_mut().zip(from.as_flattened()) {
        *to += from;
    }
}

fn normalise_all<const P: usize>(x: &[Side<P>; WIDTH]) -> (Side<P>, [Side<P>; WIDTH]) {
    let mut squares = [0.0; P];
    for x in x {
        for t in 0..P {
            squares[t] = x[t].mul_add(x[t], squares[t]);
        }
    }
    let scale = squares.map(|squares| 1.0 / (squares / WIDTH as f64 + 1e-5).sqrt());
    (scale, x.map(|x| std::array::from_fn(|t| x[t] * scale[t])))
}

/// [`denormalise`] at every place.
fn denormalise_all<const P: usize>(
    scale: &Side<P>,
    y: &[Side<P>; WIDTH],
    y_bar: &[Side<P>; WIDTH],
    x_bar: &mut [Side<P>; WIDTH],
) {
    let mut dot = [0.0; P];
    for (y, y_bar) in y.iter().zip(y_bar) {
        for t in 0..P {
            dot[t] = y[t].mul_add(y_bar[t], dot[t]);
        }
    }
    for j in 0..WIDTH {
        for t in 0..P {
            x_bar[j][t] += scale[t] * (y_bar[j][t] - y[j][t] * dot[t] / WIDTH as f64);
        }
    }
}

/// The rows as columns.
fn turned<const P: usize>(rows: &[Side<P>; P]) -> [Side<P>; P] {
    std::array::from_fn(|t| std::array::from_fn(|s| rows[s][t]))
}

/// Y = W X, of which some rows stay in registers.
#[inline(never)]
fn product_all<const P: usize, const M: usize, const K: usize>(w: &[f64], x: &[Side<P>; K]) -> [Side<P>; M] {
    const ROWS: usize = 8;
    let mut y = [[0.0; P]; M];
    let rows = |group: usize, y: &mut [Side<P>]| {
        for (m, y) in (group * ROWS..).zip(y) {
            for (w, x) in w[m * K..][..K].iter().zip(x) {
                add_scaled(*w, x, y);
            }
        }
    };
    let (groups, rest) = y.as_chunks_mut::<ROWS>();
    let count = groups.len();
    for (group, y) in groups.iter_mut().enumerate() {
        let w: [&[f64; K]; ROWS] =
            std::array::from_fn(|m| w[(group * ROWS + m) * K..][..K].try_into().expect("a row of weights"));
        let mut sums = [[0.0; P]; ROWS];
        for k in 0..K {
            for m in 0..ROWS {
                add_scaled(w[m][k], &x[k], &mut sums[m]);
            }
        }
        *y = sums;
    }
    rows(count, rest);
    y
}

/// X̄ = Wᵀ Ȳ and W̄ = Ȳ Xᵀ.
#[inline(never)]
fn transposed_all<const P: usize, const M: usize, const K: usize>(
    w: &[f64],
    y_bar: &[Side<P>; M],
    x: &[Side<P>; K],
    w_bar: &mut [f64],
) -> [Side<P>; K] {
    const SIDE: usize = 16;
    let mut x_bar = [[0.0; P]; K];
    for (group, x_bar) in x_bar.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let mut sums = [[0.0; P]; 8];
        for (y_bar, w) in y_bar.iter().zip(w.chunks_exact(K)) {
            for (w, sum) in w[group * 8..][..8].iter().zip(&mut sums) {
                add_scaled(*w, y_bar, sum);
            }
        }
        *x_bar = sums;
    }
    for (group, x) in x.as_chunks::<SIDE>().0.iter().enumerate() {
        let turned: [[f64; SIDE]; P] = std::array::from_fn(|t| std::array::from_fn(|k| x[k][t]));
        for (y_bar, w_bar) in y_bar.iter().zip(w_bar.chunks_exact_mut(K)) {
            let mut sums = [0.0; SIDE];
            for (bar, x) in y_bar.iter().zip(&turned) {
                add_scaled(*bar, x, &mut sums);
            }
            w_bar[group * SIDE..][..SIDE].copy_from_slice(&sums);
        }
    }
    x_bar
}
