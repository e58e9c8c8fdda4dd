//! Compiles the protos without protoc. The descriptor bytes keep custom options (the permission of each
//! rpc) and source comments for reflection; prost's own types would drop the options.

use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed=migrations");
    let mut files: Vec<PathBuf> = std::fs::read_dir("proto/attain/v1")?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).include_source_info(true).open_files(&files)?;
    let descriptors = compiler.file_descriptor_set();
    let out = std::env::var("OUT_DIR")?;
    std::fs::write(Path::new(&out).join("attain.binpb"), compiler.encode_file_descriptor_set())?;
    let mut config = prost_build::Config::new();
    // Ordered maps: the same message has the same bytes, which request digests rely on.
    config.btree_map(["."]);
    // Messages know their own names, which reading and writing them as JSON looks up.
    config.enable_type_names();
    tonic_build::configure().compile_fds_with_config(descriptors, config)?;
    Ok(())
}
