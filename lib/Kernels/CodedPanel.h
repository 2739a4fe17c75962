//===- CodedPanel.h - Rows of panels of codes --------------------------------------------*- C++
//-*-===//
#ifndef MOEC_LIB_KERNELS_CODEDPANEL_H
#define MOEC_LIB_KERNELS_CODEDPANEL_H

#include "MicroKernel.h"

#include <optional>
#include <string>

namespace moec {

/// How a panel's elements are coded: (code - zero point) · scale, with one scale for each column
/// and each group of rows.
struct CodedFormat {
  enum class Zero {
    None,    ///< 0
    Uniform, ///< one for all
    Each     ///< one a scale, of the codes' bits
  };
  unsigned bits = 8;    ///< 8, or 4 with two neighbours of a column in a byte, the first one low
  bool isSigned = true; ///< two's complement
  Zero zero = Zero::None;
  mlir::Type scaleType; ///< f32, f16 or bf16

  unsigned perByte() const { return 8 / bits; }
  mlir::Type zeroArgument() const;

  /// Parses `CODES_ZERO_SCALE` (i4, ui4, i8 or ui8; none, uniform or each; f32, f16 or bf16) at the
  /// head of a name; std::nullopt if there is none.
  static std::optional<CodedFormat> consume(mlir::MLIRContext &context, llvm::StringRef &name);
};

/// Where a block of rows of a panel lies: elements of flat memories. All index but for the
/// memories, and a uniform zero point (i32).
struct CodedBlock {
  mlir::Value codes, codesAt, scales, scalesAt, zero, zerosAt;
  mlir::Value firstGroup; ///< of the panel's groups, the one the block begins with or lies in
  mlir::Value group;      ///< rows of one; a multiple of the codes in a byte
  static constexpr unsigned kNumArguments = 8;
  explicit CodedBlock(mlir::ValueRange arguments);
};

/// The types of a CodedBlock's members.
llvm::SmallVector<mlir::Type> getCodedBlockTypes(mlir::Builder &builder, const CodedFormat &format);

/// Reads rows of a block. `depth` is a multiple of the codes in a byte.
class CodedPanelReader {
public:
  /// Given the number of a row, the row (f32, in as many vectors as the tile has) and what the loop
  /// carries: what it carries on.
  using Body = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      mlir::Value k, llvm::ArrayRef<mlir::Value> row, mlir::ValueRange carried)>;

  CodedPanelReader(mlir::OpBuilder &builder, mlir::Location loc, const CodedFormat &format,
                   const MicroTile &tile, const CodedBlock &block)
      : builder(builder), loc(loc), format(format), tile(tile), block(block) {}

  /// A loop over the rows of the block, in order.
  llvm::SmallVector<mlir::Value> forEachRow(mlir::Value depth, mlir::ValueRange initial, Body body);

private:
  mlir::Value index(int64_t value);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Type integers();
  mlir::Value splat(int64_t value);
  mlir::Value loadBytes(mlir::Value memory, mlir::Value position);
  /// The codes with the given number (index) in their bytes, as integers of 32 bits.
  mlir::Value extract(mlir::Value bytes, unsigned number);
  mlir::Value extractAny(mlir::Value bytes, mlir::Value number);
  void loadGroup(mlir::Value number);
  llvm::SmallVector<mlir::Value> readByteRow(mlir::Value position);
  llvm::SmallVector<mlir::Value>
  forRange(mlir::Value end, mlir::Value step, mlir::ValueRange initial,
           llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body);

  mlir::OpBuilder &builder;
  mlir::Location loc;
  const CodedFormat &format;
  const MicroTile &tile;
  const CodedBlock &block;
  llvm::SmallVector<mlir::Value> scales, zeros; ///< of the group; zeros are empty if there are none
};

/// Adds to `module` the leaf function `name(block…, depth, panel: memref<?xf32>)` which writes rows
/// of a block side by side.
void buildCodedRows(mlir::ModuleOp module, llvm::StringRef name, const CodedFormat &format,
                    MicroTile tile);

} // namespace moec

#endif // MOEC_LIB_KERNELS_CODEDPANEL_H
