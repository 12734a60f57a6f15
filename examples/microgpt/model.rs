//! A transformer of one layer, scalar by scalar: every weight is a parameter, every product a node.
//!
//! A token and its position are embedded in 16 numbers; four heads attend to what came before; a small network of
//! rectified neurons follows; the logits of the next token are products with a last matrix. There are no biases.
//!
//! # Reference
//! Radford et al. (2019), Language models are unsupervised multitask learners; Zhang and Sennrich (2019), Root mean
//! square layer normalization, arXiv:1910.07467.

use dagrad::{Expr, Graph};

/// The letters a to z, and one token that begins and ends a document.
pub(crate) const TOKENS: usize = 27;
pub(crate) const EDGE: usize = 26;
/// The longest document that the model sees.
pub(crate) const CONTEXT: usize = 16;
pub(crate) const WIDTH: usize = 16;
pub(crate) const HEADS: usize = 4;
pub(crate) const INNER: usize = 64;

/// Name, rows and columns of each matrix, in the order of the weights.
pub(crate) const SHAPES: [(&str, usize, usize); 9] = [
    ("token embedding", TOKENS, WIDTH),
    ("position embedding", CONTEXT, WIDTH),
    ("logits", TOKENS, WIDTH),
    ("query", WIDTH, WIDTH),
    ("key", WIDTH, WIDTH),
    ("value", WIDTH, WIDTH),
    ("attention", WIDTH, WIDTH),
    ("up", INNER, WIDTH),
    ("down", WIDTH, INNER),
];

/// How many weights there are.
pub(crate) fn weight_count() -> usize {
    SHAPES.iter().map(|(_, rows, columns)| rows * columns).sum()
}

type Row<'g> = Vec<Expr<'g>>;

/// The matrices of the model, row by row.
pub(crate) struct Model<'g> {
    graph: &'g Graph,
    matrices: Vec<Vec<Row<'g>>>,
}

impl<'g> Model<'g> {
    /// Takes the weights in the order of [`SHAPES`], as they stand in a graph.
    pub(crate) fn new(graph: &'g Graph, weights: &[Expr<'g>]) -> Self {
        let mut rest = weights;
        let matrices = SHAPES
            .iter()
            .map(|&(_, rows, columns)| {
                let (own, others) = rest.split_at(rows * columns);
                rest = others;
                own.chunks_exact(columns).map(<[Expr]>::to_vec).collect()
            })
            .collect();
        Self { graph, matrices }
    }

    fn matrix(&self, name: &str) -> &[Row<'g>] {
        let place = SHAPES.iter().position(|(known, ..)| *known == name).expect("a matrix of the model");
        &self.matrices[place]
    }

    /// The embedding of a token.
    pub(crate) fn token(&self, token: usize) -> Row<'g> {
        self.matrix("token embedding")[token].clone()
    }

    /// The embedding of a token of which one of 27 inputs is 1 and the others are 0.
    pub(crate) fn one_of(&self, marks: &[Expr<'g>]) -> Row<'g> {
        let column = |j: usize| {
            let mut sum = self.graph.constant(0.0);
            for (&mark, row) in marks.iter().zip(self.matrix("token embedding")) {
                sum += mark * row[j];
            }
            sum
        };
        (0..WIDTH).map(column).collect()
    }

    /// The logits of the next token after each of some embedded tokens.
    pub(crate) fn logits(&self, tokens: &[Row<'g>]) -> Vec<Row<'g>> {
        let (mut keys, mut values, mut logits) = (vec![], vec![], vec![]);
        for (token, position) in tokens.iter().zip(self.matrix("position embedding")) {
            let x: Row = token.iter().zip(position).map(|(&token, &position)| token + position).collect();
            let before = self.normalised(&x);
            let x = self.normalised(&before);
            let query = product(self.matrix("query"), &x);
            keys.push(product(self.matrix("key"), &x));
            values.push(product(self.matrix("value"), &x));
            let seen = self.attend(&query, &keys, &values);
            let after = sum(&product(self.matrix("attention"), &seen), &before);
            let inner: Row =
                product(self.matrix("up"), &self.normalised(&after)).into_iter().map(|x| x.relu()).collect();
            let x = sum(&product(self.matrix("down"), &inner), &after);
            logits.push(product(self.matrix("logits"), &x));
        }
        logits
    }

    /// Numbers divided by the root of the mean of their squares.
    fn normalised(&self, x: &[Expr<'g>]) -> Row<'g> {
        let mut squares = self.graph.constant(0.0);
        for &x in x {
            squares += x * x;
        }
        let scale = (squares / x.len() as f64 + 1e-5).sqrt();
        x.iter().map(|&x| x / scale).collect()
    }

    /// What the heads take from the values so far, by softmax over the products of the query with the keys.
    fn attend(&self, query: &[Expr<'g>], keys: &[Row<'g>], values: &[Row<'g>]) -> Row<'g> {
        let size = WIDTH / HEADS;
        let mut seen = Vec::new();
        for head in 0..HEADS {
            let own = head * size..(head + 1) * size;
            let scores: Row =
                keys.iter().map(|key| dot(&query[own.clone()], &key[own.clone()]) / (size as f64).sqrt()).collect();
            let total = self.graph.logsumexp(&scores);
            let shares: Row = scores.iter().map(|&score| (score - total).exp()).collect();
            for j in own {
                let mut sum = self.graph.constant(0.0);
                for (&share, value) in shares.iter().zip(values) {
                    sum += share * value[j];
                }
                seen.push(sum);
            }
        }
        seen
    }

    /// The mean negative log-likelihood of the tokens that came next; `chosen` gives the logit of each.
    pub(crate) fn loss(&self, logits: &[Row<'g>], chosen: impl Fn(usize, &[Expr<'g>]) -> Expr<'g>) -> Expr<'g> {
        let mut sum = self.graph.constant(0.0);
        for (place, logits) in logits.iter().enumerate() {
            sum += self.graph.logsumexp(logits) - chosen(place, logits);
        }
        sum / logits.len() as f64
    }
}

fn dot<'g>(a: &[Expr<'g>], b: &[Expr<'g>]) -> Expr<'g> {
    let mut sum = a[0] * b[0];
    for (&a, &b) in a.iter().zip(b).skip(1) {
        sum += a * b;
    }
    sum
}

fn product<'g>(matrix: &[Row<'g>], x: &[Expr<'g>]) -> Row<'g> {
    matrix.iter().map(|row| dot(row, x)).collect()
}

fn sum<'g>(a: &[Expr<'g>], b: &[Expr<'g>]) -> Row<'g> {
    a.iter().zip(b).map(|(&a, &b)| a + b).collect()
}

/// The tokens of a document between two edges, or the first character that is none.
pub(crate) fn tokens(document: &str) -> Result<Vec<usize>, char> {
    let letter = |c: char| match c {
        'a'..='z' => Ok(c as usize - 'a' as usize),
        other => Err(other),
    };
    let mut tokens = vec![EDGE];
    for c in document.chars() {
        tokens.push(letter(c)?);
    }
    tokens.push(EDGE);
    Ok(tokens)
}
