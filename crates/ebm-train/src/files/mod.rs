//! Files that are read with care and appear whole or not at all.

pub mod input_file;
pub mod memory;
pub mod process;
mod whole_file;

pub use whole_file::{
    UNFINISHED, delete_unfinished, is_abandoned, is_special_file, sync_folder, temporary_name,
    write_whole, write_whole_with,
};
