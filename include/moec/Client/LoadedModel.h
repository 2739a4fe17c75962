//===- LoadedModel.h - A compiled model in this process ----------------------------------*- C++
//-*-===//
//
// C++ on top of moec_rt/model.h, for tools and tests. Loading a compiled model runs its code:
// callers that were handed a file check it first (moec/Artifact).
//
//===----------------------------------------------------------------------------------------------===//
#ifndef MOEC_CLIENT_LOADEDMODEL_H
#define MOEC_CLIENT_LOADEDMODEL_H

#include "moec_rt/model.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <optional>
#include <string>

namespace moec {

/// One stream of calls of a model; see moec_session. Must end before its LoadedModel.
class Session {
public:
  Session(Session &&) = default;

  const moec_model_info &info() const { return *modelInfo; }

  /// Runs the model once; inputs and outputs are in the order of info(). The outputs' memory
  /// belongs to the session and is valid until its next run. Errors are the model's own words.
  llvm::Expected<llvm::ArrayRef<moec_tensor>> run(llvm::ArrayRef<moec_tensor> inputs,
                                                  const moec_run_options *options = nullptr);

  /// What the session's memory has cost; none where the model is of version 1.0.
  std::optional<moec_memory_info> memory() const;

  /// What the session's calls have counted, valid until its next run; empty for a model without
  /// counters, or one that has not run yet. See moec/Client/Profile.h.
  llvm::ArrayRef<moec_profile_record> profile() const;
  /// Whether the session keeps caches; how many rows of them; forgets them.
  bool hasState() const;
  moec_state_use state() const;
  llvm::Error resetState();

private:
  friend class LoadedModel;
  using Handle = std::unique_ptr<moec_session, void (*)(moec_session *)>;
  Session(const moec_model_table &table, Handle handle);

  const moec_model_table *table;
  const moec_model_info *modelInfo;
  Handle handle;
  llvm::SmallVector<moec_tensor, 4> outputs;
};

class LoadedModel {
public:
  struct Options {
    std::string weightsFile; ///< where the weights are, of a model compiled with --weights-file
  };

  /// Loads the shared object at `path`. Fails with one line that starts with the path.
  static llvm::Expected<LoadedModel> load(llvm::StringRef path, const Options &options);
  static llvm::Expected<LoadedModel> load(llvm::StringRef path) { return load(path, Options()); }

  LoadedModel(LoadedModel &&) = default;

  const moec_model_info &info() const { return *table->info(); }

  /// `threads` is the number of logical workers; 0 takes as many as the process may use. State has
  /// room for `stateCapacity` rows; 0: as the model says.
  llvm::Expected<Session> createSession(int32_t threads, int64_t stateCapacity = 0) const;

private:
  using Library = std::unique_ptr<void, void (*)(void *)>;
  using Model = std::unique_ptr<moec_model, void (*)(moec_model *)>;
  LoadedModel(std::string path, Library library, const moec_model_table &table, Model model)
      : path(std::move(path)), library(std::move(library)), table(&table), model(std::move(model)) {
  }

  std::string path;
  Library library; ///< ends after the model, whose functions it holds
  const moec_model_table *table;
  Model model;
};

} // namespace moec

#endif // MOEC_CLIENT_LOADEDMODEL_H
