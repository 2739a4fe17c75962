#include "Format.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/xxhash.h"

#include <cstring>

using namespace llvm;

namespace moec {

namespace {

uint64_t hashBytes(ArrayRef<char> bytes) {
  return xxh3_64bits(ArrayRef(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()));
}

Error bad(const char *what) { return createStringError("its ELF headers are damaged: %s", what); }

/// Nothing that the compiler writes comes near.
constexpr unsigned maxPrograms = 64;
constexpr uint64_t maxLoadedImage = UINT64_C(1) << 31;

} // namespace

void BlockChecksum::add(ArrayRef<char> block) { blocks.push_back(hashBytes(block)); }

void BlockChecksum::addZeros(uint64_t size) {
  static const std::vector<char> zeros(MOEC_CHECKSUM_BLOCK);
  static const uint64_t fullBlock = hashBytes(zeros);
  blocks.push_back(size == zeros.size() ? fullBlock : hashBytes(ArrayRef(zeros).take_front(size)));
}

uint64_t BlockChecksum::finish() const {
  std::vector<uint8_t> bytes(blocks.size() * sizeof(uint64_t));
  for (size_t i = 0; i < blocks.size(); ++i)
    support::endian::write64le(&bytes[i * sizeof(uint64_t)], blocks[i]);
  return xxh3_64bits(bytes);
}

uint64_t BlockChecksum::of(ArrayRef<char> bytes) {
  BlockChecksum checksum;
  for (; !bytes.empty(); bytes = bytes.drop_front(std::min(bytes.size(), MOEC_CHECKSUM_BLOCK)))
    checksum.add(bytes.take_front(MOEC_CHECKSUM_BLOCK));
  return checksum.finish();
}

Expected<ElfHeaders> ElfHeaders::read(uint64_t fileSize, ReadFn read) {
  ElfHeaders headers;
  Elf64_Ehdr &file = headers.file;
  const Elf64_Ehdr nothing = {};
  file = nothing;
  if (fileSize >= sizeof file)
    if (Error error = read(0, MutableArrayRef(reinterpret_cast<char *>(&file), sizeof file)))
      return error;
  if (std::memcmp(file.e_ident, ELFMAG, SELFMAG) != 0)
    return createStringError("it is not an ELF file");
  if (file.e_ident[EI_CLASS] != ELFCLASS64 || file.e_ident[EI_DATA] != ELFDATA2LSB ||
      file.e_machine != EM_X86_64 || file.e_type != ET_DYN)
    return createStringError("it is not a shared object for x86-64");
  if (file.e_phentsize != sizeof(Elf64_Phdr) || file.e_phnum == 0 || file.e_phnum > maxPrograms)
    return bad("the number or size of program headers");
  // The table directly follows the file's header in all that linkers make; the checksum of the
  // image relies on it.
  if (file.e_phoff != sizeof file || file.e_phnum * sizeof(Elf64_Phdr) > fileSize - file.e_phoff)
    return bad("the place of the program headers");
  headers.programs.resize(file.e_phnum);
  if (Error error =
          read(file.e_phoff, MutableArrayRef(reinterpret_cast<char *>(headers.programs.data()),
                                             file.e_phnum * sizeof(Elf64_Phdr))))
    return error;

  uint64_t addressEnd = 0;
  for (const Elf64_Phdr &program : headers.programs) {
    if (program.p_type != PT_LOAD)
      continue;
    if (program.p_offset > fileSize || program.p_filesz > fileSize - program.p_offset)
      return createStringError("it was cut off: a program header ends at byte %llu of %llu",
                               static_cast<unsigned long long>(program.p_offset + program.p_filesz),
                               static_cast<unsigned long long>(fileSize));
    const uint64_t addressLimit = UINT64_C(1) << 46;
    if (program.p_memsz < program.p_filesz || program.p_vaddr < addressEnd ||
        program.p_vaddr > addressLimit || program.p_memsz > addressLimit || program.p_align == 0 ||
        (program.p_align & (program.p_align - 1)) != 0 ||
        (program.p_vaddr - program.p_offset) % program.p_align != 0)
      return bad("the addresses of a program header (GNU strip does that, llvm-strip does not)");
    addressEnd = program.p_vaddr + program.p_memsz;
  }
  return headers;
}

Expected<const Elf64_Phdr *> ElfHeaders::findSegment(ReadFn read) const {
  for (const Elf64_Phdr &program : programs) {
    if (program.p_type != PT_LOAD || program.p_flags != PF_R ||
        program.p_filesz < MOEC_SEGMENT_HEADER_PAGE ||
        program.p_offset % MOEC_SEGMENT_ALIGNMENT != 0 || program.p_offset == 0)
      continue;
    char magic[8];
    if (Error error = read(program.p_offset, magic))
      return error;
    if (std::memcmp(magic, MOEC_SEGMENT_MAGIC, sizeof magic) == 0)
      return &program;
  }
  return nullptr;
}

Expected<uint64_t> ElfHeaders::checksumImage(const Elf64_Phdr *segment, ReadFn read) const {
  std::vector<uint8_t> summary;
  auto addNumber = [&](uint64_t number) {
    uint8_t bytes[8];
    support::endian::write64le(bytes, number);
    summary.insert(summary.end(), bytes, bytes + sizeof bytes);
  };
  const uint64_t headersEnd = file.e_phoff + programs.size() * sizeof(Elf64_Phdr);
  std::vector<char> content;
  for (const Elf64_Phdr &program : programs) {
    if (program.p_type != PT_LOAD || &program == segment)
      continue;
    addNumber(program.p_flags);
    addNumber(program.p_vaddr);
    addNumber(program.p_filesz);
    addNumber(program.p_memsz);
    const uint64_t end = program.p_offset + program.p_filesz;
    const uint64_t begin = std::max(program.p_offset, std::min(end, headersEnd));
    if (end - begin > maxLoadedImage)
      return bad("the size of the image");
    content.resize(end - begin);
    if (Error error = read(begin, content))
      return error;
    addNumber(hashBytes(content));
  }
  return xxh3_64bits(summary);
}

} // namespace moec
