#include "moec/Weights/Panels.h"

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
  for (int64_t factor : {count, panels(), depth, panel})
    if (llvm::MulOverflow(size, factor, size))
      return std::nullopt;
  return size;
}

llvm::Error PanelLayout::verify(int64_t tensorSize) const {
  for (int64_t value : {offset, count, depth, columns, countStride, depthStride, columnStride})
    if (value < 0)
      return makeError("a panel layout has a negative member");
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
  if (last >= tensorSize / elementSize)
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

llvm::Error moec::packPanels(ArrayRef<char> tensor, const PanelLayout &layout,
                             llvm::function_ref<llvm::Error(ArrayRef<char>)> sink) {
  if (llvm::Error error = layout.verify(tensor.size()))
    return error;
  int64_t size = layout.elementSize;
  llvm::SmallVector<char, 0> buffer(layout.depth * layout.panel * size);
  for (int64_t matrix = 0; matrix < layout.count; ++matrix)
    for (int64_t panel = 0; panel < layout.panels(); ++panel) {
      std::fill(buffer.begin(), buffer.end(), 0);
      forEachRun(layout, matrix, panel, [&](int64_t to, int64_t from, int64_t length) {
        std::memcpy(&buffer[to * size], &tensor[from * size], length * size);
      });
      if (llvm::Error error = sink(buffer))
        return error;
    }
  return llvm::Error::success();
}

llvm::Error moec::unpackPanels(ArrayRef<char> packed, const PanelLayout &layout,
                               llvm::MutableArrayRef<char> tensor) {
  if (llvm::Error error = layout.verify(tensor.size()))
    return error;
  if (static_cast<int64_t>(packed.size()) != *layout.packedSize())
    return makeError("packed panels have not the size of their layout");
  int64_t size = layout.elementSize, panelSize = layout.depth * layout.panel;
  for (int64_t matrix = 0; matrix < layout.count; ++matrix)
    for (int64_t panel = 0; panel < layout.panels(); ++panel) {
      int64_t base = (matrix * layout.panels() + panel) * panelSize;
      forEachRun(layout, matrix, panel, [&](int64_t to, int64_t from, int64_t length) {
        std::memcpy(&tensor[from * size], &packed[(base + to) * size], length * size);
      });
    }
  return llvm::Error::success();
}
