//! What the header of a Linux program says about what it needs to run.

use object::elf::{DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_STRSZ, DT_STRTAB};
use object::elf::{EM_AARCH64, EM_PPC64, EM_RISCV, EM_X86_64, FileHeader64, ProgramHeader64};
use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _};
use object::{LittleEndian, StringTable};
use std::path::PathBuf;

/// A program or a library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Elf {
    /// As Kubernetes and OCI write it.
    pub(crate) architecture: &'static str,
    /// The dynamic loader; none in a static program and in libraries.
    pub(crate) interpreter: Option<PathBuf>,
    /// Names of the libraries it needs.
    pub(crate) needed: Vec<String>,
    /// Its own search path, `$ORIGIN` not yet replaced.
    pub(crate) search: Vec<String>,
}

/// Why a file is no program for the image.
#[derive(Debug, thiserror::Error)]
pub enum ElfProblem {
    /// Not ELF, or of another word size or byte order.
    #[error("this is no 64-bit Linux program; make the image on Linux, or with the Dockerfile")]
    NotLinux,
    /// A machine that no image is made for.
    #[error(
        "its architecture (ELF machine {0}) has no name among container images that is known here; use the Dockerfile"
    )]
    Architecture(u16),
    /// A header that contradicts itself.
    #[error("its header is damaged: {0}; build it again")]
    Damaged(String),
}

type Header = FileHeader64<LittleEndian>;

pub(crate) fn read(data: &[u8]) -> Result<Elf, ElfProblem> {
    let header = Header::parse(data).map_err(|_| ElfProblem::NotLinux)?;
    if !header.is_little_endian() {
        return Err(ElfProblem::NotLinux);
    }
    let architecture = match header.e_machine(LittleEndian) {
        EM_X86_64 => "amd64",
        EM_AARCH64 => "arm64",
        EM_PPC64 => "ppc64le",
        EM_RISCV => "riscv64",
        other => return Err(ElfProblem::Architecture(other)),
    };
    let segments = header.program_headers(LittleEndian, data).map_err(damaged)?;
    let mut elf = Elf { architecture, interpreter: None, needed: Vec::new(), search: Vec::new() };
    for segment in segments {
        if let Some(path) = segment.interpreter(LittleEndian, data).map_err(damaged)? {
            elf.interpreter = Some(PathBuf::from(text(path)?));
        }
        if let Some(entries) = segment.dynamic(LittleEndian, data).map_err(damaged)? {
            read_dynamic(&mut elf, entries, segments, data)?;
        }
    }
    Ok(elf)
}

type Entry = <ProgramHeader64<LittleEndian> as object::read::elf::ProgramHeader>::Elf;
type DynamicEntry = <Entry as object::read::elf::FileHeader>::Dyn;

fn read_dynamic(
    elf: &mut Elf,
    entries: &[DynamicEntry],
    segments: &[ProgramHeader64<LittleEndian>],
    data: &[u8],
) -> Result<(), ElfProblem> {
    let value = |tag| entries.iter().find(|entry| entry.d_tag(LittleEndian) == tag).map(|e| e.d_val(LittleEndian));
    let (Some(address), Some(size)) = (value(DT_STRTAB), value(DT_STRSZ)) else { return Ok(()) };
    // addresses are those of the loaded program; the segment that holds this one says where it is in the file
    let table =
        segments.iter().find_map(|segment| segment.data_range(LittleEndian, data, address, size).ok().flatten());
    let table = table.ok_or_else(|| ElfProblem::Damaged("its string table is outside the file".to_owned()))?;
    let strings = StringTable::new(table, 0, table.len() as u64);
    for entry in entries {
        let list = match entry.d_tag(LittleEndian) {
            DT_NEEDED => &mut elf.needed,
            DT_RPATH | DT_RUNPATH => &mut elf.search,
            _ => continue,
        };
        let string = entry.string(LittleEndian, strings).map_err(damaged)?;
        list.push(text(string)?);
    }
    elf.search = elf.search.iter().flat_map(|list| list.split(':')).map(str::to_owned).collect();
    elf.search.retain(|folder| !folder.is_empty());
    Ok(())
}

fn damaged(problem: object::Error) -> ElfProblem {
    ElfProblem::Damaged(problem.to_string())
}

fn text(bytes: &[u8]) -> Result<String, ElfProblem> {
    String::from_utf8(bytes.to_vec()).map_err(|_| ElfProblem::Damaged("a name in it is not UTF-8".to_owned()))
}
