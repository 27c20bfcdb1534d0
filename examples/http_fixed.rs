//! Serves one fixed picture until its standard input ends: what `benches/http.sh` measures beside nginx.
//!
//! `http_fixed [BYTES] [WORKERS]` prints the address on its first line.

use std::io::Read;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1).map(|a| a.parse::<usize>().expect("a number"));
    let (bytes, workers) = (arguments.next().unwrap_or(120_000), arguments.next().unwrap_or(2));
    let (address, _guard) = spotter::http::bench::serve_fixed(bytes, workers)?;
    println!("{address}");
    std::io::stdin().read_to_end(&mut Vec::new()).map(drop)
}
