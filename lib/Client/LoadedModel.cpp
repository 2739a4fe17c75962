//===- LoadedModel.cpp - A compiled model in this process
//------------------------------------------===//
#include "moec/Client/LoadedModel.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"

#include <cstddef>
#include <dlfcn.h>

using namespace llvm;

namespace moec {
namespace {

/// The part of the table that version 1.0 of the interface has.
constexpr size_t minTableSize =
    offsetof(moec_model_table, last_error) + sizeof(moec_model_table::last_error);

StringRef describeStatus(moec_status status) {
  switch (status) {
  case MOEC_OK:
    return "no error";
  case MOEC_INVALID_ARGUMENT:
    return "invalid argument";
  case MOEC_BUSY:
    return "the session is running";
  case MOEC_OUT_OF_MEMORY:
    return "out of memory";
  case MOEC_UNSUPPORTED_CPU:
    return "this machine lacks a CPU feature that the model needs";
  case MOEC_BAD_ARTIFACT:
    return "the file is damaged or of another version";
  case MOEC_RUNTIME_ERROR:
    return "the model failed";
  case MOEC_CANCELLED:
    return "cancelled";
  case MOEC_STATE_FULL:
    return "the session's state is full";
  }
  return "unknown error";
}

Error failure(const Twine &context, moec_status status, StringRef message) {
  return createStringError(context + (message.empty() ? describeStatus(status) : message));
}

} // namespace

Session::Session(const moec_model_table &table, Handle handle)
    : table(&table), modelInfo(table.info()), handle(std::move(handle)) {
  outputs.resize(modelInfo->num_outputs);
}

Expected<ArrayRef<moec_tensor>> Session::run(ArrayRef<moec_tensor> inputs,
                                             const moec_run_options *options) {
  moec_status status = table->run(handle.get(), inputs.data(), int32_t(inputs.size()),
                                  outputs.data(), int32_t(outputs.size()), options);
  if (status != MOEC_OK)
    return failure("", status, table->last_error(handle.get()));
  return ArrayRef<moec_tensor>(outputs);
}

std::optional<moec_memory_info> Session::memory() const {
  constexpr size_t neededSize =
      offsetof(moec_model_table, memory) + sizeof(moec_model_table::memory);
  moec_memory_info info = {};
  info.size = sizeof info;
  if (table->size < neededSize || !table->memory || table->memory(handle.get(), &info) != MOEC_OK)
    return std::nullopt;
  return info;
}

ArrayRef<moec_profile_record> Session::profile() const {
  constexpr size_t neededSize =
      offsetof(moec_model_table, profile) + sizeof(moec_model_table::profile);
  moec_profile_info info = {};
  info.size = sizeof info;
  if (table->size < neededSize || !table->profile || table->profile(handle.get(), &info) != MOEC_OK)
    return {};
  return ArrayRef(info.records, info.num_records);
}

bool Session::hasState() const {
  constexpr size_t neededSize =
      offsetof(moec_model_table, export_state) + sizeof(moec_model_table::export_state);
  return modelInfo->num_states > 0 && table->size >= neededSize;
}

moec_state_use Session::state() const {
  moec_state_use use = {};
  use.size = sizeof use;
  if (hasState())
    table->get_state(handle.get(), &use);
  return use;
}

Error Session::resetState() {
  if (!hasState())
    return Error::success();
  if (moec_status status = table->reset_state(handle.get(), /*capacity=*/0))
    return failure("", status, table->last_error(handle.get()));
  return Error::success();
}

Expected<LoadedModel> LoadedModel::load(StringRef path, const Options &options) {
  // A name without a slash would be searched in the library path.
  SmallString<256> absolute(path);
  if (std::error_code code = sys::fs::make_absolute(absolute))
    return createStringError(code, path + ": " + code.message());
  if (!sys::fs::exists(absolute))
    return createStringError(path + ": no such file");

  Library library(dlopen(absolute.c_str(), RTLD_NOW | RTLD_LOCAL), [](void *handle) {
    if (handle)
      dlclose(handle);
  });
  if (!library) {
    StringRef message = dlerror();
    if (message.consume_front(absolute))
      message.consume_front(": ");
    return createStringError(path + ": not a compiled model: " + message);
  }
  auto entry = reinterpret_cast<moec_model_v1_fn>(dlsym(library.get(), MOEC_MODEL_SYMBOL));
  if (!entry)
    return createStringError(path + ": not a compiled model: no symbol " MOEC_MODEL_SYMBOL);
  const moec_model_table *table = entry();
  if (table->abi_major != MOEC_ABI_MAJOR || table->size < minTableSize)
    return createStringError(path + ": made for version " + Twine(table->abi_major) + "." +
                             Twine(table->abi_minor) +
                             " of the model interface, this program speaks " +
                             Twine(MOEC_ABI_MAJOR) + "." + Twine(MOEC_ABI_MINOR));

  moec_load_options loadOptions = {};
  loadOptions.size = sizeof(loadOptions);
  loadOptions.weights_file = options.weightsFile.empty() ? nullptr : options.weightsFile.c_str();
  moec_model *model = nullptr;
  char message[MOEC_MESSAGE_SIZE] = "";
  if (moec_status status = table->load(&loadOptions, &model, message, sizeof(message)))
    return failure(path + ": ", status, message);
  return LoadedModel(path.str(), std::move(library), *table, Model(model, table->unload));
}

Expected<Session> LoadedModel::createSession(int32_t threads, int64_t stateCapacity) const {
  moec_session_options options = {};
  options.size = sizeof(options);
  options.threads = threads;
  options.state_capacity = stateCapacity;
  moec_session *session = nullptr;
  char message[MOEC_MESSAGE_SIZE] = "";
  if (moec_status status =
          table->create_session(model.get(), &options, &session, message, sizeof(message)))
    return failure(path + ": ", status, message);
  return Session(*table, Session::Handle(session, table->destroy_session));
}

} // namespace moec
