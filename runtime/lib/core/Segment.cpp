#include "core/Segment.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// The linker's name for the ELF header at the start of the image.
extern "C" const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

// Reserves the program header that becomes the segment's: the compiler turns this note's PT_NOTE
// into a PT_LOAD. It has to be in a file that is always linked.
namespace {
struct Note {
  Elf64_Nhdr header;
  char name[8];
  char format[4];
};
} // namespace
__attribute__((section(".note.moec"), used, aligned(4))) static const Note segmentNote = {
    {sizeof(MOEC_NOTE_NAME), 4, MOEC_NOTE_TYPE}, MOEC_NOTE_NAME, {MOEC_FORMAT_MAJOR, 0, 0, 0}};

namespace moec::rt {

namespace {

/// Whether [offset, offset + size) lies within `limit` bytes.
bool contains(uint64_t limit, uint64_t offset, uint64_t size) {
  return offset <= limit && size <= limit - offset;
}

/// What the header of an artifact and that of its weights file have in common.
moec_status checkHeader(const moec_rt_segment_header &header, const char *what, Message &message) {
  if (header.format_major != MOEC_FORMAT_MAJOR)
    return message.fail(MOEC_BAD_ARTIFACT, "%s has format version %d.%d; this code reads %d", what,
                        header.format_major, header.format_minor, MOEC_FORMAT_MAJOR);
  if (header.header_size < sizeof header || header.header_size > MOEC_SEGMENT_HEADER_PAGE ||
      header.header_checksum != moec_rt_header_checksum(&header))
    return message.fail(MOEC_BAD_ARTIFACT, "the header of %s is damaged", what);
  if (header.weights_size != moec_rt_model_program.weights_size)
    return message.fail(MOEC_BAD_ARTIFACT,
                        "%s has %llu bytes of weights, but the code expects %llu", what,
                        (unsigned long long)header.weights_size,
                        (unsigned long long)moec_rt_model_program.weights_size);
  if (header.weights_offset % 64)
    return message.fail(MOEC_BAD_ARTIFACT, "the header of %s is damaged", what);
  return MOEC_OK;
}

/// Touching pages of a mapping behind the file's end raises SIGBUS, so a file that was cut off must
/// be found out first. Where the path has become useless (the process changed its directory), the
/// check is left to whoever verified the file before dlopen.
moec_status checkFileSize(uint64_t end, Message &message) {
  Dl_info info;
  struct stat status;
  if (!dladdr(&__ehdr_start, &info) || !info.dli_fname || stat(info.dli_fname, &status) != 0)
    return MOEC_OK;
  if ((uint64_t)status.st_size < end)
    return message.fail(MOEC_BAD_ARTIFACT, "'%s' was cut off: it has %llu of %llu bytes",
                        info.dli_fname, (unsigned long long)status.st_size,
                        (unsigned long long)end);
  return MOEC_OK;
}

} // namespace

moec_status findSegment(const moec_rt_segment_header *&header, Message &message) {
  const char *image = (const char *)&__ehdr_start;
  const Elf64_Phdr *programs = (const Elf64_Phdr *)(image + __ehdr_start.e_phoff);
  for (unsigned i = 0; i < __ehdr_start.e_phnum; ++i) {
    const Elf64_Phdr &program = programs[i];
    if (program.p_type != PT_LOAD || program.p_flags != PF_R ||
        program.p_filesz < MOEC_SEGMENT_HEADER_PAGE || program.p_offset % MOEC_SEGMENT_ALIGNMENT ||
        program.p_offset == 0)
      continue;
    if (moec_status status = checkFileSize(program.p_offset + program.p_filesz, message))
      return status;
    const char *start = image + program.p_vaddr;
    if (memcmp(start, MOEC_SEGMENT_MAGIC, 8) != 0)
      continue;
    header = (const moec_rt_segment_header *)start;
    if (moec_status status = checkHeader(*header, "the model", message))
      return status;
    bool fits = contains(program.p_filesz, header->json_offset, header->json_size) &&
                header->json_offset + header->json_size < program.p_filesz &&
                start[header->json_offset + header->json_size] == 0 &&
                (header->weights_external ||
                 contains(program.p_filesz, header->weights_offset, header->weights_size));
    if (!fits || header->features != moec_rt_model_program.features ||
        header->weights_file[sizeof header->weights_file - 1] != 0)
      return message.fail(MOEC_BAD_ARTIFACT, "the header of the model is damaged");
    return MOEC_OK;
  }
  return message.fail(MOEC_BAD_ARTIFACT, "the model has no weights segment: was the file changed "
                                         "after it was made? (GNU strip cuts it off, llvm-strip "
                                         "does not)");
}

/// Joins the directory of this shared object and `name`.
static moec_status besideImage(const char *name, char *path, size_t size, Message &message) {
  Dl_info info;
  if (!dladdr(&__ehdr_start, &info) || !info.dli_fname)
    return message.fail(MOEC_BAD_ARTIFACT, "cannot tell which directory the model is in; name its "
                                           "weights file in the load options");
  const char *slash = strrchr(info.dli_fname, '/');
  int directory = slash ? (int)(slash + 1 - info.dli_fname) : 0;
  if ((size_t)snprintf(path, size, "%.*s%s", directory, info.dli_fname, name) >= size)
    return message.fail(MOEC_BAD_ARTIFACT, "the path of the weights file '%s' is too long", name);
  return MOEC_OK;
}

moec_status WeightsFile::map(const char *path, const moec_rt_segment_header &header,
                             Message &message) {
  char beside[PATH_MAX];
  if (!path) {
    if (moec_status status = besideImage(header.weights_file, beside, sizeof beside, message))
      return status;
    path = beside;
  }
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return message.fail(MOEC_BAD_ARTIFACT, "cannot open the weights file '%s': %s", path,
                        strerror(errno));
  struct stat fileStatus;
  uint64_t fileSize = fstat(file, &fileStatus) == 0 && S_ISREG(fileStatus.st_mode)
                          ? (uint64_t)fileStatus.st_size
                          : 0;
  if (fileSize < MOEC_SEGMENT_HEADER_PAGE) {
    close(file);
    return message.fail(MOEC_BAD_ARTIFACT, "'%s' is not a weights file", path);
  }
  void *start = mmap(nullptr, fileSize, PROT_READ, MAP_PRIVATE, file, 0);
  int error = errno;
  close(file);
  if (start == MAP_FAILED)
    return message.fail(MOEC_BAD_ARTIFACT, "cannot map the weights file '%s': %s", path,
                        strerror(error));
  mapping = start;
  size = fileSize;

  const moec_rt_segment_header &own = *(const moec_rt_segment_header *)start;
  moec_status status = MOEC_OK;
  if (memcmp(own.magic, MOEC_WEIGHTS_MAGIC, 8) != 0)
    status = message.fail(MOEC_BAD_ARTIFACT, "'%s' is not a weights file", path);
  else
    status = checkHeader(own, "the weights file", message);
  if (!status && !contains(size, own.weights_offset, own.weights_size))
    status = message.fail(MOEC_BAD_ARTIFACT, "the weights file '%s' was cut off", path);
  if (!status && own.weights_checksum != header.weights_checksum)
    status =
        message.fail(MOEC_BAD_ARTIFACT, "the weights file '%s' belongs to another model", path);
  if (status)
    unmap();
  else
    weights = (const char *)start + own.weights_offset;
  return status;
}

void WeightsFile::unmap() {
  if (mapping)
    munmap(mapping, size);
  *this = WeightsFile();
}

} // namespace moec::rt
