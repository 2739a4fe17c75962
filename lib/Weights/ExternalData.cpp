#include "moec/Weights/ExternalData.h"

#include "OpenBeneath.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

using namespace llvm;
using namespace moec;

static constexpr size_t kMaxLocationBytes = 4096; // as PATH_MAX
static constexpr const char *kAdvice =
    "copy the file there, or pass --allow-linked-weights if you trust the model";

/// For messages: names from files may hold anything.
static std::string quote(StringRef location) {
  std::string text = "'";
  raw_string_ostream stream(text);
  printEscapedString(location.take_front(256), stream);
  stream << (location.size() > 256 ? "…'" : "'");
  return text;
}

/// The location without "." and doubled slashes; an error if it may not be one.
static Expected<std::string> normalize(StringRef location) {
  auto refuse = [&](const char *what) {
    return createStringError("external data at " + quote(location) + ": the location " + what +
                             ", expected a path below the model's directory");
  };
  if (location.empty())
    return refuse("is empty");
  if (location.size() > kMaxLocationBytes)
    return refuse("is too long");
  if (location.contains('\0'))
    return refuse("contains a NUL");
  if (location.contains('\\'))
    return refuse("contains a backslash");
  if (location.starts_with("/"))
    return refuse("is absolute");
  if (location.size() > 1 && isAlpha(location[0]) && location[1] == ':')
    return refuse("starts with a drive");
  SmallVector<StringRef> components;
  location.split(components, '/', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  erase(components, ".");
  if (is_contained(components, ".."))
    return refuse("contains '..'");
  if (components.empty() || location.ends_with("/"))
    return refuse("names a directory");
  return join(components, "/");
}

Expected<ExternalDataDirectory> ExternalDataDirectory::open(StringRef directory,
                                                            ExternalDataOptions options) {
  SmallString<256> absolute(directory.empty() ? "." : directory);
  if (std::error_code error = sys::fs::make_absolute(absolute))
    return createStringError("cannot open the directory '" + directory + "': " + error.message());
  sys::path::remove_dots(absolute); // ".." stays: it may lead over links
  const int descriptor = ::open(absolute.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0)
    return createStringError("cannot open the directory '" + absolute +
                             "': " + std::strerror(errno));
  return ExternalDataDirectory(descriptor, absolute.str().str(), options);
}

Expected<ExternalDataDirectory> ExternalDataDirectory::ofModel(StringRef modelPath,
                                                               ExternalDataOptions options) {
  return open(sys::path::parent_path(modelPath), options);
}

ExternalDataDirectory::ExternalDataDirectory(ExternalDataDirectory &&other)
    : descriptor(std::exchange(other.descriptor, -1)), path(std::move(other.path)),
      options(other.options), files(std::move(other.files)) {}

ExternalDataDirectory::~ExternalDataDirectory() {
  if (descriptor >= 0)
    close(descriptor);
}

Expected<uint32_t> ExternalDataDirectory::open(WeightStore &store, StringRef location) {
  Expected<std::string> name = normalize(location);
  if (!name)
    return name.takeError();
  if (auto known = files.find(*name); known != files.end())
    return known->second;
  if (files.size() >= options.maxFiles)
    return createStringError("external data at " + quote(location) + ": the model has more than " +
                             Twine(options.maxFiles) + " files, which is the limit");

  auto fail = [&](const Twine &what) {
    return createStringError("external data at " + quote(location) + " in '" + path + "': " + what);
  };
  const int file = options.allowLinkedWeights ? openat(descriptor, name->c_str(),
                                                       O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
                                              : openBeneath(descriptor, *name);
  if (file < 0) {
    if (errno == ELOOP || errno == EXDEV)
      return fail(Twine("the path goes over a symbolic link; ") + kAdvice);
    return fail(Twine("cannot open the file: ") + std::strerror(errno));
  }
  Expected<uint32_t> number = [&]() -> Expected<uint32_t> {
    struct stat status;
    if (fstat(file, &status) != 0)
      return fail(std::strerror(errno));
    if (!S_ISREG(status.st_mode))
      return fail(S_ISDIR(status.st_mode) ? "it is a directory, expected a regular file"
                                          : "it is a pipe or device, expected a regular file");
    if (status.st_nlink > 1 && !options.allowLinkedWeights)
      return fail("the file has " + Twine(status.st_nlink) + " hard links; " + kAdvice);
    return store.addOpenFile(file, (path == "/" ? "" : path) + "/" + *name);
  }();
  close(file);
  if (number)
    files[*name] = *number;
  return number;
}
