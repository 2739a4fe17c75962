#include "moec/Kernels/KernelLibrary.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace moec;

/// The text of a file of the library; the build makes it.
static StringRef getLibraryText(StringRef file) {
  static constexpr std::pair<StringLiteral, StringLiteral> texts[] = {
#include "KernelLibraryTexts.inc"
  };
  for (auto [name, text] : texts)
    if (name == file)
      return text;
  return {};
}

namespace {
/// A kernel: its text, and the functions that one instance of the text adds.
struct LibraryEntry {
  StringLiteral base, file, functions;
};
} // namespace

// In alphabetical order.
static constexpr LibraryEntry entries[] = {
    {"argmax", "argreduce", R"mlir(
      func.func private @better(%a: !T, %b: !T) -> i1 {
        %r = func.call @above(%a, %b) : (!T, !T) -> i1
        return %r : i1
      })mlir"},
    {"argmin", "argreduce", R"mlir(
      func.func private @better(%a: !T, %b: !T) -> i1 {
        %below = func.call @above(%b, %a) : (!T, !T) -> i1
        %a_is_nan = func.call @is_nan(%a) : (!T) -> i1
        %b_is_nan = func.call @is_nan(%b) : (!T) -> i1
        %true = arith.constant true
        %b_is_number = arith.xori %b_is_nan, %true : i1
        %first = arith.ori %below, %a_is_nan : i1
        %r = arith.andi %first, %b_is_number : i1
        return %r : i1
      })mlir"},
    {"combine", "combine", ""},
    {"cumprod", "cumulate", R"mlir(
      func.func private @combine(%before: !T, %v: !T) -> !T {
        %r = func.call @mul(%before, %v) : (!T, !T) -> !T
        return %r : !T
      }
      func.func private @neutral() -> !T {
        %r = func.call @one() : () -> !T
        return %r : !T
      })mlir"},
    {"cumsum", "cumulate", R"mlir(
      func.func private @combine(%before: !T, %v: !T) -> !T {
        %r = func.call @add(%before, %v) : (!T, !T) -> !T
        return %r : !T
      }
      func.func private @neutral() -> !T {
        %r = func.call @zero() : () -> !T
        return %r : !T
      })mlir"},
    {"dispatch", "dispatch", ""},
    {"gather", "gather", ""},
    {"nonzero", "nonzero", ""},
    {"scatter_add", "scatter", R"mlir(
      func.func private @combine(%old: !T, %update: !T) -> !T {
        %r = func.call @add(%old, %update) : (!T, !T) -> !T
        return %r : !T
      })mlir"},
    {"scatter_max", "scatter", R"mlir(
      func.func private @combine(%old: !T, %update: !T) -> !T {
        %r = func.call @max(%old, %update) : (!T, !T) -> !T
        return %r : !T
      })mlir"},
    {"scatter_min", "scatter", R"mlir(
      func.func private @combine(%old: !T, %update: !T) -> !T {
        %r = func.call @min(%old, %update) : (!T, !T) -> !T
        return %r : !T
      })mlir"},
    {"scatter_mul", "scatter", R"mlir(
      func.func private @combine(%old: !T, %update: !T) -> !T {
        %r = func.call @mul(%old, %update) : (!T, !T) -> !T
        return %r : !T
      })mlir"},
    {"scatter_set", "scatter", R"mlir(
      func.func private @combine(%old: !T, %update: !T) -> !T {
        return %update : !T
      })mlir"},
    {"topk", "topk", ""},
    {"unique", "unique", ""},
};

ArrayRef<StringRef> moec::getLibraryKernelBases() {
  static const SmallVector<StringRef> bases =
      llvm::map_to_vector(entries, [](const LibraryEntry &entry) { return StringRef(entry.base); });
  return bases;
}

std::string moec::getLibraryKernelName(StringRef base, Type elementType) {
  std::string name = (base + "_").str();
  llvm::raw_string_ostream(name) << elementType;
  return name;
}

/// The element operations of a type ("f32", "ui8"), and its spelling in buffers; an empty prelude
/// if there is no such type.
static std::pair<StringRef, StringRef> getPrelude(StringRef type) {
  if (llvm::is_contained({"f16", "bf16", "f32", "f64"}, type))
    return {"prelude-float", type};
  if (llvm::is_contained({"i8", "i16", "i32", "i64"}, type))
    return {"prelude-signed", type};
  if (type == "i1")
    return {"prelude-unsigned", type};
  if (llvm::is_contained({"ui8", "ui16", "ui32", "ui64"}, type))
    return {"prelude-unsigned", type.drop_front()};
  return {};
}

/// Replaces calls of private functions (of one block, not recursive) by their bodies, and drops the
/// functions.
static void inlinePrivateFunctions(ModuleOp module, func::FuncOp kernel) {
  SmallVector<func::CallOp> calls;
  auto collect = [&] {
    calls.clear();
    kernel.walk([&](func::CallOp call) { calls.push_back(call); });
    return !calls.empty();
  };
  while (collect())
    for (func::CallOp call : calls) {
      auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee());
      Block &body = callee.getBody().front();
      IRMapping mapping;
      mapping.map(body.getArguments(), call.getOperands());
      OpBuilder builder(call);
      for (Operation &op : body.without_terminator())
        builder.clone(op, mapping);
      for (auto [result, value] : llvm::zip(call.getResults(), body.getTerminator()->getOperands()))
        result.replaceAllUsesWith(mapping.lookupOrDefault(value));
      call.erase();
    }
  for (auto function : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
    if (function != kernel)
      function.erase();
}

OwningOpRef<ModuleOp> moec::instantiateLibraryKernel(MLIRContext &context, StringRef name) {
  auto [base, type] = name.rsplit('_');
  auto *entry =
      llvm::find_if(entries, [&](const LibraryEntry &entry) { return entry.base == base; });
  auto [prelude, bufferType] = getPrelude(type);
  if (entry == std::end(entries) || prelude.empty())
    return nullptr;
  std::string text = ("!T = " + bufferType + "\n" + getLibraryText(prelude) + entry->functions +
                      "\n" + getLibraryText(entry->file))
                         .str();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, ParserConfig(&context), name);
  if (!module)
    return nullptr;
  auto kernel = module->lookupSymbol<func::FuncOp>("kernel");
  inlinePrivateFunctions(*module, kernel);
  kernel.setName(name);
  return module;
}
