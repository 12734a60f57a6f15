//! Tables of numbers from files as people have them: what is read, and what every refusal says.

use std::path::PathBuf;

use dagrad::Graph;
use dagrad::train::{DataError, MiniBatch, Table};

fn rows(text: &str) -> Vec<Vec<f64>> {
    let table: Table = text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"));
    table.rows().map(<[f64]>::to_vec).collect()
}

#[test]
fn the_habits_of_other_programs_change_no_number() {
    let expected = [[1.0, -2.5], [3e-3, 4.0]];
    for text in [
        "1,-2.5\n3e-3,4\n",
        "1,-2.5\n3e-3,4",
        "1,-2.5\r\n3e-3,4\r\n",
        "\u{feff}1,-2.5\n3e-3,4\n",
        "\u{feff}x,y\r\n1,-2.5\r\n3e-3,4\r\n",
        " 1 ,\t-2.5\n\n+3E-3 , 4.0 \n\n\n",
    ] {
        assert_eq!(rows(text), expected, "{text:?}");
    }
}

#[test]
fn numbers_are_read_to_the_last_bit() {
    let numbers = [f64::MAX, f64::MIN, f64::MIN_POSITIVE, f64::from_bits(1), -0.0, 0.1, 1.0 / 3.0];
    let text = numbers.map(|number| format!("{number:?}")).join(",");
    let bits: Vec<u64> = rows(&text)[0].iter().map(|number| number.to_bits()).collect();
    assert_eq!(bits, numbers.map(f64::to_bits));
}

#[test]
fn every_refusal_says_where() {
    let wide = format!("1\n{}", "7x".repeat(1000));
    let texts = [
        "",
        "\u{feff}",
        "\r\n \n",
        "x,y\n",
        "1,2\n3\n",
        "x,y\r\n\r\n1,2\r\n3,4,5\r\n",
        "1,2\n3,\n",
        "1,2\n3,4,\n",
        "1,two\n",
        "x,y\n1,two\n",
        "1,2\n3,nan\n",
        "1,2\n-inf,3\n",
        "1,2\nInfinity,3\n",
        "1,2\n3,1e999\n",
        "1,2\n3,\"4\"\n",
        "1,2\n3;4\n",
        "1,2\n3,1_000\n",
        "1,2\n3,0x10\n",
        "1,2\n3,−4\n",
        "1\r2\r3\r\n4\r5",
        "1\n\u{1b}[31m\n",
        &wide,
    ];
    let mut said: Vec<String> = Vec::new();
    for text in texts {
        let error = text.parse::<Table>().expect_err(text);
        let shown: String = text.chars().take(24).collect();
        said.push(format!("{shown:?}: {error}"));
    }
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn refusals_of_files_rows_and_shapes_say_what() {
    let graph = Graph::new();
    let (x, w) = (graph.input("x"), graph.parameter("w", 0.0));
    let program = graph.compile(&[w * x]).expect("compiles");
    let table = Table::from_rows([[1.0, 2.0]]).expect("a row");
    let denied = std::io::Error::new(std::io::ErrorKind::PermissionDenied, "permission denied");
    let errors = [
        DataError::File { path: PathBuf::from("data/digits.csv"), reason: denied },
        Table::from_rows([vec![1.0], vec![2.0, 3.0]]).unwrap_err(),
        Table::from_rows([vec![], vec![2.0]]).unwrap_err(),
        Table::from_rows([[0.0; 0]; 2]).unwrap_err(),
        Table::from_rows::<Vec<f64>>([]).unwrap_err(),
        MiniBatch { batch: 1, rate: 0.1, seed: 0 }.start(&program, &table).unwrap_err(),
    ];
    insta::assert_snapshot!(errors.map(|error| error.to_string()).join("\n"));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Table::read("no such folder/digits.csv").unwrap_err();
    assert!(matches!(error, DataError::File { .. }), "{error}");
    let error = dagrad::Error::from(error).to_string();
    assert!(error.starts_with("no such folder/digits.csv cannot be read: "), "{error}");
    assert!(Table::read(env!("CARGO_MANIFEST_DIR")).is_err(), "a folder is no table");
}
