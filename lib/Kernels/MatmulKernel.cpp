//===- MatmulKernel.cpp - Blocked matrix products
//---------------------------------------------------===//
//
// The product is cut into items of (matrix, block of rows, panel of columns); an item walks the
// depth in blocks. Per block the panel of B is copied side by side into a buffer that stays in the
// first-level caches while all rows of the item pass over it (Goto and van de Geijn, "Anatomy of
// High-Performance Matrix Multiplication", 2008, with the row block unpacked: its rows are read
// with unit stride). With few rows the copy does not pay, and the panel is read where it is.
//
//===------------------------------------------------------------------------------------------------===//
#include "MatmulKernel.h"
#include "CodedPanel.h"
#include "Epilogue.h"
#include "MatmulTexts.h"
#include "MicroKernel.h"

#include "dialects/Kernel/KernelOps.h"
#include "dialects/Par/ParOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace moec;
using namespace moec::texts;

namespace {

std::string substitute(StringRef text, ArrayRef<std::pair<StringRef, std::string>> values) {
  std::string result = text.str();
  for (const auto &[key, value] : values)
    for (size_t at = 0; (at = result.find(key, at)) != std::string::npos; at += value.size())
      result.replace(at, key.size(), value);
  return result;
}

/// The cases of a switch over the rows of a tile; `b` are the arguments that say where B is.
std::string printCalls(StringRef prefix, unsigned rows, StringRef type, StringRef b,
                       StringRef bTypes, StringRef cStart) {
  std::string result;
  for (unsigned i = 1; i <= rows; ++i)
    result +=
        llvm::formatv("        case {0} {{\n"
                      "          func.call @{1}_r{0}(%a, %a1, %aRow, {3}, %c, {5}, %n, %block, "
                      "%accumulate, %width) : (memref<?x{2}>, index, index, {4}, memref<?x{2}>, "
                      "index, index, index, i1, index) -> ()\n"
                      "          scf.yield\n        }\n",
                      i, prefix, type, b, bTypes, cStart);
  return result;
}

/// What ends a kernel's name after the width of its panels: "_f32", perhaps with an epilogue
/// before.
struct NameEnd {
  static std::optional<NameEnd> parse(StringRef rest, StringRef type) {
    NameEnd result;
    if (!rest.consume_back(("_" + type).str()) || (!rest.empty() && !rest.consume_front("_")))
      return std::nullopt;
    result.name = rest;
    if (!rest.empty() && !(result.epilogue = Epilogue::parse(rest)))
      return std::nullopt;
    return result;
  }

  StringRef name; ///< of the epilogue
  std::optional<Epilogue> epilogue;
};

/// Puts the texts and micro-kernels of one kernel together.
class MatmulBuilder {
public:
  MatmulBuilder(MLIRContext &context, StringRef name, StringRef type, const KernelOptions &options)
      : context(context), name(name), type(type), options(options),
        elementType(type == "f32" ? Type(Float32Type::get(&context))
                                  : Type(Float64Type::get(&context))) {}

  /// matmul and matmul_nt: panels as wide as the number of columns asks for.
  OwningOpRef<ModuleOp> build(bool transposed) {
    StringRef bRow = transposed ? "%stride2" : "%stride1";
    StringRef bColumn = transposed ? "%stride1" : "%stride2";
    unsigned maxVectors = MicroTile::maxVectors(options);
    std::string choice, closing;
    for (unsigned vectors = 1; vectors <= maxVectors; vectors *= 2) {
      MicroTile tile = addItem(vectors);
      text += substituteFor(kDriver, tile);
      std::string call = llvm::formatv("    func.call @matmul_driver_{0}(%a, %flat, %c, %first, "
                                       "%matrix, {1}, {2}) : (memref<?x?x?x{3}>, memref<?x{3}>, "
                                       "memref<?x?x?x{3}>, index, index, index, index) -> ()\n",
                                       suffix(tile), bRow, bColumn, type);
      if (vectors == maxVectors) {
        choice += call;
        continue;
      }
      choice += llvm::formatv("  %w{0} = arith.constant {0} : index\n"
                              "  %narrow{0} = arith.cmpi sle, %n, %w{0} : index\n"
                              "  scf.if %narrow{0} {{\n{1}  } else {{\n",
                              tile.columns(), call);
      closing += "  }\n";
    }
    text += substitute(kEntry, {{"$CHOICE", choice + closing}, {"$NAME", name}, {"$T", type}});
    return finish();
  }

  /// matmul_packed and matmul_grouped_packed, or with a format matmul_coded and
  /// matmul_grouped_coded; null if no number of registers makes panels of that many columns.
  OwningOpRef<ModuleOp> buildPacked(unsigned columns, bool grouped, const NameEnd &end,
                                    std::optional<CodedFormat> format = std::nullopt,
                                    StringRef nameOfFormat = "") {
    for (unsigned vectors = 1; vectors <= MicroTile::maxVectors(options); ++vectors) {
      if (MicroTile::choose(elementType, options, vectors).columns() != columns)
        continue;
      coded = format;
      formatName = nameOfFormat;
      epilogue = end.epilogue;
      isGrouped = grouped;
      MicroTile tile = coded ? addCodedItem(vectors) : addItem(vectors);
      if (epilogue)
        addEpilogue(end.name, tile);
      if (grouped)
        text += substituteFor(kGroupedFind, tile);
      text += substituteFor(grouped ? kGroupedDriver : kPackedDriver, tile);
      int64_t c = (grouped ? 4 : 2) + (coded ? 3 : 0);
      if (epilogue)
        c += grouped ? 3 : 5;
      SmallVector<int64_t> multiplyAdds{c, 0, c, 1, c, 2, 0, 2};
      // Rows of A, each with the columns of C, of which each takes one matrix's depth of it: all of
      // A's, or that of a block. Codes have no odd depth.
      if (grouped)
        multiplyAdds = {0, 0, 2, 2, -1, coded ? coded->perByte() : 1, c, 1};
      if (numProducts() > 1)
        multiplyAdds.append({-1, numProducts()});
      return finish(multiplyAdds);
    }
    return {};
  }

  /// matmul_ragged_packed, or with a format matmul_ragged_coded: panels of all widths.
  OwningOpRef<ModuleOp> buildRagged(std::optional<CodedFormat> format, StringRef nameOfFormat) {
    coded = format;
    formatName = nameOfFormat;
    MicroTile widest;
    std::string cases, starts;
    for (unsigned vectors = 1; vectors <= MicroTile::maxVectors(options); ++vectors) {
      widest = coded ? addCodedItem(vectors) : addItem(vectors);
      std::string text = substitute(coded ? kRaggedCodedCase : kRaggedCase,
                                    {{"$VECTORS", std::to_string(vectors)}});
      cases += substituteFor(text, widest);
    }
    auto addStart = [&](StringRef what, StringRef depth, int64_t column) {
      starts += substitute(kRaggedStart, {{"$WHAT", what.str()},
                                          {"$DEPTH", depth.str()},
                                          {"$COLUMN", std::to_string(column)},
                                          {"$RESTCOLUMN", std::to_string(column + 1)}});
    };
    std::string arguments = "%b: memref<?x$T>";
    if (coded) {
      bool each = coded->zero == CodedFormat::Zero::Each;
      arguments = "%b: memref<?xi8>, %scales: memref<?x$SCALE>, %codeZero: $Z";
      starts = kRaggedGroups.str();
      addStart("scaleStart", "%scaleDepth", RaggedMatrix::FirstScale);
      if (each)
        addStart("zeroStart", "%zeroDepth", RaggedMatrix::FirstZero);
      else
        starts += "      %zeroStart = arith.constant 0 : index\n";
    }
    addStart("bStart", coded ? "%codeDepth" : "%depth", RaggedMatrix::First);
    std::string driver =
        substitute(kRaggedDriver, {{"$CASES", cases},
                                   {"$STARTS", starts},
                                   {"$B_ARGUMENTS", arguments},
                                   {"$TASK_MEMORY", coded ? kCodedMemory.str() : ""},
                                   {"$LANES", std::to_string(widest.lanes)}});
    text += substituteFor(kRaggedFind, widest) + substituteFor(driver, widest);
    return finish({0, 0, 3, -1}); // rows of A, each as many as matrices have on an average
  }

  /// matmul_grouped and matmul_grouped_nt. Elements of B are of the type `narrow`, if one is given.
  OwningOpRef<ModuleOp> buildGrouped(unsigned columns, bool transposed, StringRef narrow) {
    for (unsigned vectors = 1; vectors <= MicroTile::maxVectors(options); ++vectors) {
      if (MicroTile::choose(elementType, options, vectors).columns() != columns)
        continue;
      narrowType = narrow;
      MicroTile tile = addItem(vectors);
      std::string driver = substitute(kGroupedPlainDriver,
                                      {{"$NARROW", narrow.empty() ? "false" : "true"},
                                       {"$DEPTHSIZE", transposed ? "%size2" : "%size1"},
                                       {"$COLUMNSIZE", transposed ? "%size1" : "%size2"},
                                       {"$ROWSTRIDE", transposed ? "%stride2" : "%stride1"},
                                       {"$COLUMNSTRIDE", transposed ? "%stride1" : "%stride2"}});
      text += substituteFor(kGroupedFind, tile) + substituteFor(driver, tile);
      return finish({3, -1, 4, -1, 5, 1, 5, 2}); // the rows that operand 3 counts
    }
    return {};
  }

private:
  struct Micro {
    std::string name;
    MicroTile tile;
    bool masked;
    bool isCoded = false;
  };

  std::string suffix(const MicroTile &tile) const {
    return llvm::formatv("{0}_{1}", type, tile.columns());
  }

  /// Of what depends on how the elements are coded.
  std::string codedSuffix(const MicroTile &tile) const { return formatName + "_" + suffix(tile); }

  std::string printTileCalls(StringRef prefix, const MicroTile &tile) const {
    return printCalls(prefix.str() + suffix(tile), tile.rows, type,
                      "%source, %sourceStart, %sourceRow", kPlainTypes, "%c2");
  }

  std::string printCodedCalls(StringRef prefix, const MicroTile &tile) const {
    return printCalls(prefix.str() + codedSuffix(tile), fewRows(tile), type,
                      "%b, %b1, %scales, %s1, %zero, %zeroStart, %firstGroup, %group", kCodedTypes,
                      "%cStart");
  }

  /// Up to how many rows are multiplied with numbers that are decoded for them alone: as many as
  /// leave registers for scales and zero points.
  unsigned fewRows(const MicroTile &tile) const {
    return std::min(tile.rows, coded->zero == CodedFormat::Zero::None ? 4u : 3u);
  }

  int64_t numProducts() const { return epilogue && epilogue->gated ? 2 : 1; }

  void addEpilogue(StringRef nameOfEpilogue, const MicroTile &tile) {
    epilogueName = ("epilogue_" + nameOfEpilogue + "_").str() + suffix(tile);
    text += "func.func private @" + epilogueName + "(memref<?x" + type +
            ">, index, index, index, index, memref<?x" + type + ">, index, index, memref<?x" +
            type + ">, memref<?x" + type + ">, " + type + ", " + type + ", " + type + ")\n";
  }

  /// An item, and the same of a second product.
  std::string printItem(StringRef item) const {
    std::string result = substitute(item, {{"$PANELOFB", "%panelOfB"},
                                           {"$TO", "%cFlat"},
                                           {"$FROM", "%bStart"},
                                           {"$FIRST", "%cStart"},
                                           {"$ROW", "%n"},
                                           {"$OF", "Start"}});
    if (numProducts() > 1)
      result += kUpPanel.str() + "      " +
                substitute(item, {{"$PANELOFB", "%upPanel"},
                                  {"$TO", "%up"},
                                  {"$FROM", "%upStart"},
                                  {"$FIRST", "%c0"},
                                  {"$ROW", "%columns"},
                                  {"$OF", "UpStart"}});
    return result;
  }

  /// What texts say of an epilogue.
  std::string substituteEpilogue(StringRef source, const MicroTile &tile) const {
    std::string arguments, sizes, finish = isGrouped ? kAddBias.str() : "";
    if (epilogue) {
      arguments = (isGrouped ? "" : kResidualArgument.str()) + kEpilogueArguments.str();
      sizes = isGrouped ? kGroupedEpilogueSizes : kDenseEpilogueSizes;
      finish = substitute(kEpilogueCall, {{"$EPILOGUE", epilogueName},
                                          {"$UP", epilogue->gated ? "%up" : "%cFlat"}});
    }
    return substitute(source,
                      {{"$E_ARGUMENTS", arguments},
                       {"$E_SIZES", sizes},
                       {"$FINISH", finish},
                       {"$TASK_MEMORY", std::string(coded ? kCodedMemory : StringLiteral("")) +
                                            (numProducts() > 1 ? kUpMemory.str() : "")},
                       {"$UPSIZE", std::to_string(kRowBlock * tile.columns())},
                       {"$PRODUCTS", std::to_string(numProducts())},
                       {"$ITEMCOLUMNS", std::to_string(numProducts() * tile.columns())}});
  }

  /// What texts say of a packed B.
  std::string substituteOperandB(StringRef source, const MicroTile &tile) {
    if (!coded)
      return substitute(source, {{"$ITEM", printItem(kItemOfPacked)},
                                 {"$B_ARGUMENTS", "%b: memref<?x?x?x?x$T>"},
                                 {"$B_SIZES", ""},
                                 {"$B", type}});
    bool each = coded->zero == CodedFormat::Zero::Each;
    std::string scale, sizes = kCodedSizes.str();
    llvm::raw_string_ostream(scale) << coded->scaleType;
    sizes += each ? kZeroSizes.str() : "  %zeroPanel = arith.constant 0 : index\n";
    return substitute(source, {{"$ITEM", printItem(kItemOfCodes)},
                               {"$B_ARGUMENTS", kCodedArguments.str()},
                               {"$B_SIZES", sizes},
                               {"$CODED_TILES", printCodedCalls("micro_coded_", tile)},
                               {"$CODED_MASKED", printCodedCalls("micro_masked_coded_", tile)},
                               {"$CODED", codedSuffix(tile)},
                               {"$SCALE", scale},
                               {"$ZERO", each ? "%zeros: memref<?x?x?x?xi8>" : "%codeZero: i32"},
                               {"$Z", each ? "memref<?xi8>" : "i32"},
                               {"$PERBYTE", std::to_string(coded->perByte())},
                               {"$FEW", std::to_string(fewRows(tile))},
                               {"$B", "i8"}});
  }

  std::string substituteFor(StringRef source, const MicroTile &tile) {
    bool isNarrow = !narrowType.empty();
    std::string load = "%value = memref.load %b[%p] : !Flat", ending = suffix(tile);
    if (isNarrow) {
      load = llvm::formatv("%stored = memref.load %b[%p] : memref<?x{0}>\n"
                           "          %value = arith.extf %stored : {0} to {1}",
                           narrowType, type);
      ending += "_" + narrowType;
    }
    return substitute(substituteOperandB(substituteEpilogue(source, tile), tile),
                      {{"$ADDBIAS", kAddBias.str()},
                       {"$RESTROWS", kRestRows.str()},
                       {"$LOOP", kTileLoop.str()},
                       {"$LOAD", load},
                       {"$SOURCE", isNarrow ? "%panel" : "%b"},
                       {"$E", isNarrow ? narrowType : type},
                       {"$TILES", printTileCalls("micro_", tile)},
                       {"$MASKED", printTileCalls("micro_masked_", tile)},
                       {"$PACKROWS", std::to_string(4 * tile.rows)},
                       {"$Px", std::to_string(kDepthBlock * tile.columns()) + "x"},
                       {"$NAME", name},
                       {"$T", type},
                       {"$N", std::to_string(tile.columns())},
                       {"$R", std::to_string(tile.rows)},
                       {"$D", std::to_string(kDepthBlock)},
                       {"$M", std::to_string(kRowBlock)},
                       {"$S", ending}});
  }

  /// The text of an item and the micro-kernels that it calls.
  MicroTile addItem(unsigned vectors) {
    MicroTile tile = MicroTile::choose(elementType, options, vectors);
    for (unsigned rows = 1; rows <= tile.rows; ++rows) {
      MicroTile part{rows, tile.vectors, tile.lanes};
      std::string end = suffix(tile) + "_r" + std::to_string(rows);
      microKernels.push_back({"micro_" + end, part, false});
      microKernels.push_back({"micro_masked_" + end, part, true});
    }
    if (text.empty()) // the aliases are the same for all
      text += substituteFor(kAliases, tile);
    text += substituteFor(kBlocks, tile);
    text += substituteFor(coded ? kCodedItem : kItem, tile);
    return tile;
  }

  /// … whose columns of B are codes.
  MicroTile addCodedItem(unsigned vectors) {
    MicroTile tile = addItem(vectors);
    for (unsigned rows = 1; rows <= fewRows(tile); ++rows) {
      MicroTile part{rows, tile.vectors, tile.lanes};
      std::string end = codedSuffix(tile) + "_r" + std::to_string(rows);
      microKernels.push_back({"micro_coded_" + end, part, false, true});
      microKernels.push_back({"micro_masked_coded_" + end, part, true, true});
    }
    text += substituteFor("func.func private @coded_rows_$CODED(" + kCodedTypes.str() +
                              ", index, memref<?xf32>)\n",
                          tile);
    codedTiles.push_back(tile);
    return tile;
  }

  /// By default the multiplications are those of elements of C, each with a column of A.
  OwningOpRef<ModuleOp> finish(ArrayRef<int64_t> multiplyAdds = {2, 0, 2, 1, 2, 2, 0, 2}) {
    for (const Micro &micro : microKernels) {
      std::string declaration =
          llvm::formatv("func.func private @{0}(memref<?x{1}>, index, index, {2}, memref<?x{1}>, "
                        "index, index, index, i1, index)\n",
                        micro.name, type, micro.isCoded ? kCodedTypes : kPlainTypes);
      text += substituteFor(declaration, micro.tile);
    }
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    assert(module && "the text of the kernel is ours");
    for (const Micro &micro : microKernels) {
      module->lookupSymbol(micro.name)->erase();
      buildMicroKernel(*module, micro.name, elementType, micro.tile, micro.masked,
                       options.fusesMultiplyAdd, micro.isCoded ? &*coded : nullptr);
    }
    for (const MicroTile &tile : codedTiles) {
      std::string rows = "coded_rows_" + codedSuffix(tile);
      module->lookupSymbol(rows)->erase();
      buildCodedRows(*module, rows, *coded, tile);
    }
    if (epilogue) {
      MicroTile tile = microKernels.front().tile;
      module->lookupSymbol(epilogueName)->erase();
      buildEpilogue(*module, epilogueName, elementType, tile.lanes, tile.columns(), *epilogue);
    }
    module->lookupSymbol(name)->setAttr(kernel::kMultiplyAddsAttr,
                                        DenseI64ArrayAttr::get(&context, multiplyAdds));
    return module;
  }

  /// How B is passed to a micro-kernel.
  static constexpr StringLiteral kPlainTypes = "memref<?x$T>, index, index";
  static constexpr StringLiteral kCodedTypes =
      "memref<?xi8>, index, memref<?x$SCALE>, index, $Z, index, index, index";
  static constexpr unsigned kDepthBlock = 256, kRowBlock = 240;

  MLIRContext &context;
  std::string name, type;
  std::optional<CodedFormat> coded; ///< of the elements of B
  std::string formatName;
  std::optional<Epilogue> epilogue;
  std::string epilogueName; ///< of its function
  bool isGrouped = false;   ///< what is packed
  std::string narrowType;   ///< of the elements of a B that is not packed; empty: `type`
  const KernelOptions &options;
  Type elementType;
  std::string text;
  SmallVector<Micro> microKernels;
  SmallVector<MicroTile> codedTiles; ///< of panels that are decoded
};

} // namespace

int64_t moec::getPanelColumns(Type elementType, int64_t columns, const KernelOptions &options) {
  if (!elementType.isF32() && !elementType.isF64())
    return 0;
  // Padding costs memory and products; narrow panels read the rows of A more often. Columns that
  // are not known are many.
  columns = std::min<int64_t>(columns, int64_t(1) << 20);
  unsigned best = 1;
  double bestCost = std::numeric_limits<double>::infinity();
  for (unsigned vectors = 1; vectors <= MicroTile::maxVectors(options); ++vectors) {
    int64_t width = MicroTile::choose(elementType, options, vectors).columns();
    double cost =
        static_cast<double>(llvm::divideCeil(columns, width) * width) * (1 + 0.5 / vectors);
    if (cost <= bestCost) {
      best = vectors;
      bestCost = cost;
    }
  }
  return MicroTile::choose(elementType, options, best).columns();
}

RaggedPanels moec::getRaggedPanels(Type elementType, const KernelOptions &options) {
  if (!elementType.isF32() && !elementType.isF64())
    return {};
  MicroTile widest = MicroTile::choose(elementType, options, MicroTile::maxVectors(options));
  return {widest.columns(), widest.lanes};
}

OwningOpRef<ModuleOp> moec::buildMatmulKernel(MLIRContext &context, StringRef name,
                                              const KernelOptions &options) {
  StringRef rest = name;
  if (!rest.consume_front("matmul_"))
    return {};
  StringRef type = name.rsplit('_').second;
  if (type != "f32" && type != "f64")
    return {};
  MatmulBuilder builder(context, name, type, options);
  if (rest == type)
    return builder.build(/*transposed=*/false);
  if (rest.consume_front("nt_") && rest == type)
    return builder.build(/*transposed=*/true);
  unsigned columns;
  bool isGrouped = rest.consume_front("grouped_");
  if (StringRef plain = rest; isGrouped) {
    bool transposed = plain.consume_front("nt_");
    if (!plain.consumeInteger(10, columns) && plain.consume_front("_")) {
      StringRef narrow = plain.consume_front("f16_")    ? "f16"
                         : plain.consume_front("bf16_") ? "bf16"
                                                        : "";
      return plain == type ? builder.buildGrouped(columns, transposed, narrow)
                           : OwningOpRef<ModuleOp>();
    }
  }
  if (StringRef ragged = rest; ragged.consume_front("ragged_")) {
    if (ragged.consume_front("packed_"))
      return ragged == type ? builder.buildRagged(std::nullopt, "") : OwningOpRef<ModuleOp>();
    if (!ragged.consume_front("coded_") || type != "f32")
      return {};
    StringRef formatName = ragged;
    std::optional<CodedFormat> format = CodedFormat::consume(context, ragged);
    return format && ragged == "_f32"
               ? builder.buildRagged(format, formatName.drop_back(ragged.size()))
               : OwningOpRef<ModuleOp>();
  }
  std::optional<NameEnd> end;
  auto consumeEnd = [&] {
    if (!rest.consumeInteger(10, columns))
      end = NameEnd::parse(rest, type);
    // Rows of groups have no residual.
    return end && !(isGrouped && end->epilogue && end->epilogue->residual);
  };
  if (rest.consume_front("packed_") && consumeEnd())
    return builder.buildPacked(columns, isGrouped, *end);
  if (rest.consume_front("coded_") && type == "f32") {
    StringRef formatName = rest;
    std::optional<CodedFormat> format = CodedFormat::consume(context, rest);
    formatName = formatName.drop_back(rest.size());
    if (format && rest.consume_front("_") && consumeEnd())
      return builder.buildPacked(columns, isGrouped, *end, format, formatName);
  }
  return {};
}
