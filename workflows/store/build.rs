//! The migrations of every dialect are compiled in, so the crate is built anew when one is added.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
