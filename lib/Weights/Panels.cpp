#include "moec/Weights/Panels.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace moec;
using llvm::ArrayRef;

static llvm::Error makeError(const char *message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

std::optional<int64_t> PanelLayout::packedSize() const {
  int64_t size = elementSize;
  for (int64_t factor : {count, panels(), packedDepth(), panel})
    if (llvm::MulOverflow(size, factor, size))
      return std::nullopt;
  return size;
}

llvm::Error PanelLayout::verify(int64_t tensorSize) const {
  for (int64_t value : {offset, count, depth, columns, countStride, depthStride, columnStride})
    if (value < 0)
      return makeError("a panel layout has a negative member");
  if (!llvm::isPowerOf2_64(perByte) || perByte > 8 || (perByte > 1 && elementSize != 1))
    return makeError("a panel layout has a number of codes a byte that does not fit");
  if (panel <= 0 || elementSize <= 0 || columns > std::numeric_limits<int64_t>::max() - panel ||
      !packedSize())
    return makeError("a panel layout has no size");
  if (count == 0 || depth == 0 || columns == 0)
    return llvm::Error::success();
  int64_t last = offset;
  for (auto [size, stride] : {std::pair(count, countStride), std::pair(depth, depthStride),
                              std::pair(columns, columnStride)}) {
    int64_t distance;
    if (llvm::MulOverflow(size - 1, stride, distance) || llvm::AddOverflow(last, distance, last))
      return makeError("a panel layout lies beyond every tensor");
  }
  if (last / perByte >= tensorSize / elementSize)
    return makeError("a panel layout lies beyond its tensor");
  return llvm::Error::success();
}

/// Calls copy(packed offset, tensor offset, contiguous elements) for every run of a panel's rows.
template <typename Copy>
static void forEachRun(const PanelLayout &layout, int64_t matrix, int64_t panel, Copy copy) {
  int64_t first = panel * layout.panel;
  int64_t width = std::min(layout.panel, layout.columns - first);
  int64_t start = layout.offset + matrix * layout.countStride + first * layout.columnStride;
  for (int64_t k = 0; k < layout.depth; ++k) {
    int64_t row = start + k * layout.depthStride;
    if (layout.columnStride == 1) {
      copy(k * layout.panel, row, width);
      continue;
    }
    for (int64_t n = 0; n < width; ++n)
      copy(k * layout.panel + n, row + n * layout.columnStride, 1);
  }
}

/// The code with the given number of those that lie in bytes.
static unsigned getCode(const char *bytes, int64_t number, int64_t perByte) {
  unsigned bits = 8 / perByte, shift = number % perByte * bits;
  return static_cast<unsigned char>(bytes[number / perByte]) >> shift & ((1u << bits) - 1);
}
static void setCode(char *bytes, int64_t number, int64_t perByte, unsigned code) {
  unsigned bits = 8 / perByte, shift = number % perByte * bits, mask = ((1u << bits) - 1) << shift;
  char &byte = bytes[number / perByte];
  byte = static_cast<char>((byte & ~mask) | code << shift);
}

/// The layout of bytes that moves the same bits, where the codes of a byte are neighbouring rows in
/// the tensor already.
static std::optional<PanelLayout> asBytes(const PanelLayout &layout) {
  PanelLayout bytes = layout;
  bytes.perByte = 1;
  for (int64_t *number : {&bytes.offset, &bytes.countStride, &bytes.columnStride, &bytes.depth}) {
    if (*number % layout.perByte != 0)
      return std::nullopt;
    *number /= layout.perByte;
  }
  return layout.depthStride == 1 ? std::optional(bytes) : std::nullopt;
}

static constexpr int64_t kStepBytes = int64_t(32) << 20;

namespace {

/// Packs columns of the matrices of one tensor into a buffer of panels of zeros.
class PanelPacker {
public:
  explicit PanelPacker(PanelSource &source)
      : tensor(source.tensor), layout(source.layout), passed(source.passed) {}

  /// Columns [first, first + columns) of a matrix become columns `at` and on of the buffer.
  void pack(int64_t matrix, int64_t first, int64_t columns, char *into, int64_t at) {
    int64_t start = layout.offset + matrix * layout.countStride + first * layout.columnStride;
    if (layout.perByte > 1)
      return packCodes(start, columns, into, at);
    if (layout.columnStride == 1)
      return packRows(start, columns, into, at);
    forEachPanel(columns, at, [&](int64_t column, int64_t width, int64_t to) {
      packColumns(start + column * layout.columnStride, width, into + to * layout.elementSize);
    });
  }

private:
  /// Calls use(column, width, element of the buffer) for the part of the columns in each panel.
  template <typename Use>
  void forEachPanel(int64_t columns, int64_t at, Use use) {
    for (int64_t column = 0, width; column < columns; column += width) {
      int64_t panel = (at + column) / layout.panel, lane = (at + column) % layout.panel;
      width = std::min(layout.panel - lane, columns - column);
      use(column, width, panel * layout.depth * layout.panel + lane);
    }
  }

  /// Rows lie in one piece: all panels of a row at once, so that each is read from memory once.
  void packRows(int64_t start, int64_t columns, char *into, int64_t at) {
    int64_t size = layout.elementSize;
    for (int64_t k = 0; k < layout.depth; ++k) {
      int64_t row = start + k * layout.depthStride;
      forEachPanel(columns, at, [&](int64_t column, int64_t width, int64_t to) {
        std::memcpy(into + (to + k * layout.panel) * size, &tensor[(row + column) * size],
                    width * size);
      });
      pass(row * size, (row + columns) * size, k + 1 == layout.depth);
    }
  }

  /// The elements of a row lie apart; mostly, those of a column lie together.
  void packColumns(int64_t start, int64_t width, char *into) {
    switch (layout.elementSize) {
    case 1:
      return packColumns<uint8_t>(start, width, into);
    case 2:
      return packColumns<uint16_t>(start, width, into);
    case 4:
      return packColumns<uint32_t>(start, width, into);
    case 8:
      return packColumns<uint64_t>(start, width, into);
    default:
      for (int64_t k = 0; k < layout.depth; ++k)
        for (int64_t n = 0; n < width; ++n)
          copyElement(start + k * layout.depthStride + n * layout.columnStride,
                      into + (k * layout.panel + n) * layout.elementSize, layout.elementSize);
    }
  }
  template <typename Element>
  void packColumns(int64_t start, int64_t width, char *into) {
    constexpr int64_t kBlock = 64 / sizeof(Element); // a cache line
    for (int64_t block = 0; block < layout.depth; block += kBlock)
      for (int64_t n = 0; n < width; ++n)
        for (int64_t k = block; k < std::min(block + kBlock, layout.depth); ++k)
          copyElement(start + k * layout.depthStride + n * layout.columnStride,
                      into + (k * layout.panel + n) * sizeof(Element), sizeof(Element));
    int64_t last =
        start + (layout.depth - 1) * layout.depthStride + (width - 1) * layout.columnStride;
    pass(start * sizeof(Element), (last + 1) * sizeof(Element), /*isLast=*/true);
  }
  void copyElement(int64_t from, char *to, size_t size) {
    std::memcpy(to, &tensor[from * static_cast<int64_t>(size)], size);
  }

  /// Code by code, in the order of the tensor where its rows lie in one piece.
  void packCodes(int64_t start, int64_t columns, char *into, int64_t at) {
    int64_t perByte = layout.perByte, panelBytes = layout.packedDepth() * layout.panel;
    for (int64_t k = 0; k < layout.depth; ++k) {
      int64_t row = start + k * layout.depthStride;
      char *to = into + k / perByte * layout.panel;
      unsigned shift = k % perByte * (8 / perByte);
      for (int64_t n = 0; n < columns; ++n) {
        unsigned code = getCode(tensor.data(), row + n * layout.columnStride, perByte);
        int64_t column = at + n;
        to[column / layout.panel * panelBytes + column % layout.panel] |=
            static_cast<char>(code << shift);
      }
    }
    int64_t last =
        start + (layout.depth - 1) * layout.depthStride + (columns - 1) * layout.columnStride;
    pass(start / perByte, last / perByte + 1, /*isLast=*/true);
  }

  void pass(int64_t begin, int64_t end, bool isLast) {
    passedBegin = std::min(passedBegin, begin);
    passedEnd = std::max(passedEnd, end);
    if (!passed || (!isLast && passedEnd - passedBegin < kStepBytes))
      return;
    passed(passedBegin, passedEnd);
    passedBegin = std::numeric_limits<int64_t>::max();
    passedEnd = 0;
  }

  ArrayRef<char> tensor;
  const PanelLayout &layout;
  llvm::unique_function<void(int64_t, int64_t)> &passed;
  int64_t passedBegin = std::numeric_limits<int64_t>::max(), passedEnd = 0;
};

} // namespace

llvm::Error moec::packPanels(ArrayRef<char> tensor, const PanelLayout &layout,
                             llvm::function_ref<llvm::Error(ArrayRef<char>)> sink,
                             llvm::function_ref<void(int64_t, int64_t)> passed) {
  PanelSource source{tensor, layout, {}};
  if (passed)
    source.passed = passed;
  return packPanels(source, sink);
}

/// Moves bytes instead of codes if that works for all.
static void useBytes(llvm::MutableArrayRef<PanelSource> sources) {
  llvm::SmallVector<PanelLayout> layouts;
  for (PanelSource &source : sources) {
    std::optional<PanelLayout> bytes = asBytes(source.layout);
    if (!bytes)
      return;
    layouts.push_back(*bytes);
  }
  for (auto [source, layout] : llvm::zip_equal(sources, layouts))
    source.layout = layout;
}

llvm::Error moec::packPanels(llvm::MutableArrayRef<PanelSource> sources,
                             llvm::function_ref<llvm::Error(ArrayRef<char>)> sink) {
  const PanelLayout &given = sources.front().layout;
  int64_t columns = 0;
  for (PanelSource &source : sources) {
    const PanelLayout &layout = source.layout;
    if (llvm::Error error = layout.verify(source.tensor.size()))
      return error;
    if (layout.count != given.count || layout.depth != given.depth || layout.panel != given.panel ||
        layout.elementSize != given.elementSize || layout.perByte != given.perByte)
      return makeError("panel layouts side by side differ in more than their columns");
    if (llvm::AddOverflow(columns, layout.columns, columns))
      return makeError("a panel layout has no size");
  }
  if (given.perByte > 1)
    useBytes(sources);
  PanelLayout all = sources.front().layout;
  all.columns = columns;
  if (columns > std::numeric_limits<int64_t>::max() - all.panel || !all.packedSize())
    return makeError("a panel layout has no size");
  int64_t panelBytes = all.packedDepth() * all.panel * all.elementSize;
  if (panelBytes == 0)
    return llvm::Error::success();
  int64_t group =
      std::clamp<int64_t>(kStepBytes / panelBytes, 1, std::max<int64_t>(all.panels(), 1));
  llvm::SmallVector<char, 0> buffer(group * panelBytes);
  llvm::SmallVector<PanelPacker> packers;
  for (PanelSource &source : sources)
    packers.emplace_back(source);
  for (int64_t matrix = 0; matrix < all.count; ++matrix)
    for (int64_t panel = 0; panel < all.panels(); panel += group) {
      int64_t count = std::min(group, all.panels() - panel);
      int64_t begin = panel * all.panel, end = std::min(begin + count * all.panel, columns);
      std::fill(buffer.begin(), buffer.end(), 0);
      int64_t before = 0; // columns of the sources so far
      for (auto [source, packer] : llvm::zip_equal(sources, packers)) {
        int64_t first = std::max(begin, before);
        int64_t last = std::min(end, before + source.layout.columns);
        if (first < last)
          packer.pack(matrix, first - before, last - first, buffer.data(), first - begin);
        before += source.layout.columns;
      }
      if (llvm::Error error = sink(ArrayRef(buffer).take_front(count * panelBytes)))
        return error;
    }
  return llvm::Error::success();
}

static void unpackCodes(ArrayRef<char> from, const PanelLayout &layout, int64_t matrix,
                        int64_t panel, llvm::MutableArrayRef<char> tensor) {
  int64_t first = panel * layout.panel, perByte = layout.perByte;
  int64_t start = layout.offset + matrix * layout.countStride + first * layout.columnStride;
  for (int64_t k = 0; k < layout.depth; ++k)
    for (int64_t n = 0; n < std::min(layout.panel, layout.columns - first); ++n) {
      const char *byte = &from[k / perByte * layout.panel + n];
      setCode(tensor.data(), start + k * layout.depthStride + n * layout.columnStride, perByte,
              getCode(byte, k % perByte, perByte));
    }
}

llvm::Error moec::unpackPanels(ArrayRef<char> packed, const PanelLayout &layout,
                               llvm::MutableArrayRef<char> tensor) {
  if (llvm::Error error = layout.verify(tensor.size()))
    return error;
  if (static_cast<int64_t>(packed.size()) != *layout.packedSize())
    return makeError("packed panels have not the size of their layout");
  int64_t size = layout.elementSize, panelSize = layout.packedDepth() * layout.panel;
  for (int64_t matrix = 0; matrix < layout.count; ++matrix)
    for (int64_t panel = 0; panel < layout.panels(); ++panel) {
      int64_t base = (matrix * layout.panels() + panel) * panelSize;
      if (layout.perByte > 1) {
        unpackCodes(packed.slice(base, panelSize), layout, matrix, panel, tensor);
        continue;
      }
      forEachRun(layout, matrix, panel, [&](int64_t to, int64_t from, int64_t length) {
        std::memcpy(&tensor[from * size], &packed[(base + to) * size], length * size);
      });
    }
  return llvm::Error::success();
}
