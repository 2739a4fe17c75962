#ifndef MOEC_PASSES_TRANSFORMS_BUFFERPASSES_TD
#define MOEC_PASSES_TRANSFORMS_BUFFERPASSES_TD

include "mlir/Pass/PassBase.td"

//===- On buffers -------------------------------------------------------------------------------------===//

def InstrumentNodesPass : Pass<"moec-instrument-nodes", "::mlir::ModuleOp"> {
  let summary = "Count what the code of each node does";
  let description = [{
    Operations of one node that follow each other in the public function become a stretch, which the
    runtime times, and which tells it the operations of its matrix products and the bytes that it has
    read and written. `moec.profile` names the nodes of each stretch: the one whose location the
    operations have, and others that were fused into it or share a loop with it.

    The operations of a matrix product are two for each multiply-add, from the sizes at run time; other
    arithmetic counts as none. Bytes are those of all buffers that an operation takes, once for reading
    and once for writing; of one that it reads in part, all. Work inside loops and tasks adds up as it
    runs.

    Why: whoever optimises a model wants to know which of its nodes take the time.

    Limits: nodes are told by locations that `moec-tag-nodes` has tagged. What the body of a loop does
    element by element counts as bytes of the buffers, once.

    Before:
    ```mlir
    func.func @main(%x: memref<?x4xf32>, %w: memref<4x8xf32>, %y: memref<?x8xf32>) {
      call @product(%x, %w, %y) : (memref<?x4xf32>, memref<4x8xf32>, memref<?x8xf32>) -> () loc(fused<"MatMul">["up"])
      return
    }
    func.func private @product(memref<?x4xf32>, memref<4x8xf32>, memref<?x8xf32>)
        attributes {kernel.multiply_adds = array<i64: 2, 0, 2, 1, 0, 1>}
    ```
    After:
    ```mlir
    module attributes {moec.profile = [{fused = [], node = "up", operator = "MatMul"} ]} {
      func.func @main(%x: memref<?x4xf32>, %w: memref<4x8xf32>, %y: memref<?x8xf32>) {
        kernel.profile_start 1
        kernel.profile_begin 0
        …
        call @product(%x, %w, %y) : (memref<?x4xf32>, memref<4x8xf32>, memref<?x8xf32>) -> ()
        kernel.profile_end 0 flops %flops bytes %bytes
        return
      }
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::memref::MemRefDialect", "::moec::kernel::KernelDialect"];
}

def CheckStatePass : Pass<"moec-check-state", "::mlir::func::FuncOp"> {
  let summary = "Verify that state is updated in place and never copied";
  let description = [{
    The arguments with the attribute `moec.state` are the memory of a session's states; the function's last
    results, one a state, are what has become of them. Verifies that each is its argument's memory, and that
    nothing copies from that memory; the results then go.

    Why: a step of generation must not cost more the longer the text is, and bufferization copies silently
    where it finds a reason to.

    Limits: a copy is `memref.copy`, a linalg operation that copies or permutes, or one whose body gives back
    an element of the state. Arithmetic on all of a state is none.

    Before:
    ```mlir
    func.func @main(%x: memref<2x1x4xf32>, %n: index, %s: memref<2x?x4xf32> {moec.state = "past"})
        -> (memref<2x1x4xf32>, memref<2x?x4xf32>) {
      %y = memref.alloc() : memref<2x1x4xf32>
      %row = memref.subview %s[0, %n, 0] [2, 1, 4] [1, 1, 1]
          : memref<2x?x4xf32> to memref<2x1x4xf32, strided<[?, 4, 1], offset: ?>>
      memref.copy %x, %row : memref<2x1x4xf32> to memref<2x1x4xf32, strided<[?, 4, 1], offset: ?>>
      return %y, %s : memref<2x1x4xf32>, memref<2x?x4xf32>
    }
    ```
    After:
    ```mlir
    func.func @main(%x: memref<2x1x4xf32>, %n: index, %s: memref<2x?x4xf32> {moec.state = "past"})
        -> memref<2x1x4xf32> {
      %y = memref.alloc() : memref<2x1x4xf32>
      %row = memref.subview %s[0, %n, 0] [2, 1, 4] [1, 1, 1]
          : memref<2x?x4xf32> to memref<2x1x4xf32, strided<[?, 4, 1], offset: ?>>
      memref.copy %x, %row : memref<2x1x4xf32> to memref<2x1x4xf32, strided<[?, 4, 1], offset: ?>>
      return %y : memref<2x1x4xf32>
    }
    ```
  }];
}

def LinkKernelsPass : Pass<"moec-link-kernels", "::mlir::ModuleOp"> {
  let summary = "Replace calls of kernels by calls of their functions";
  let description = [{
    Brings the function of every called kernel into the module, from the kernel library or the kernel
    generator, once, and calls it. A buffer with strides, where the kernel wants a dense one, is copied.

    Why: kernels are written once for all sizes and inlined or not as LLVM sees fit.

    Limits: on buffers only.

    Before:
    ```mlir
    func.func @main(%x: memref<4x8xf32>, %y: memref<4x8xf32>) {
      kernel.call @twice ins(%x : memref<4x8xf32>) outs(%y : memref<4x8xf32>)
      return
    }
    func.func private @twice(%x: memref<?x?xf32>, %y: memref<?x?xf32>) {
      return
    }
    ```
    After:
    ```mlir
    func.func @main(%x: memref<4x8xf32>, %y: memref<4x8xf32>) {
      %0 = memref.cast %x : memref<4x8xf32> to memref<?x?xf32>
      %1 = memref.cast %y : memref<4x8xf32> to memref<?x?xf32>
      call @twice(%0, %1) : (memref<?x?xf32>, memref<?x?xf32>) -> ()
      return
    }
    ```
  }];
  let options = [
    Option<"vectorBytes", "vector-bytes", "unsigned", "16", "Width of a vector register, in bytes">,
    Option<"vectorRegisters", "vector-registers", "unsigned", "16", "Number of vector registers">,
    Option<"fusesMultiplyAdd", "fuses-multiply-add", "bool", "false",
           "Multiply and add are one instruction">];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
    "::moec::par::ParDialect"];
}

def LowerExpandShapesPass : Pass<"moec-lower-expand-shapes", "::mlir::func::FuncOp"> {
  let summary = "Make splits of dimensions views with computed strides";
  let description = [{
    `memref.expand_shape` becomes `memref.reinterpret_cast` with the sizes it states and the strides that
    follow from them.

    Why: shapes are dynamic in several dimensions at once, and upstream's `expand-strided-metadata` takes
    one dynamic size a group.

    Limits: static shapes are left to upstream.

    Before:
    ```mlir
    func.func @split(%x: memref<?xf32>, %m: index, %n: index) -> memref<?x?xf32> {
      %0 = memref.expand_shape %x [[0, 1]] output_shape [%m, %n] : memref<?xf32> into memref<?x?xf32>
      return %0 : memref<?x?xf32>
    }
    ```
    After:
    ```mlir
    func.func @split(%x: memref<?xf32>, %m: index, %n: index) -> memref<?x?xf32> {
      %base, %offset, %size, %stride = memref.extract_strided_metadata %x
          : memref<?xf32> -> memref<f32>, index, index, index
      %0 = memref.reinterpret_cast %base to offset: [0], sizes: [%m, %n], strides: [%n, 1]
          : memref<f32> to memref<?x?xf32>
      return %0 : memref<?x?xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def OutlineRepeatsPass : Pass<"moec-outline-repeats", "::mlir::ModuleOp"> {
  let summary = "Make layers and experts functions";
  let description = [{
    Stretches of operations that stand in several places of the entry function, or of functions made
    this way, become one function. What differs is passed: buffers, weights, sizes, constants (those that
    grow alike from place to place as one number), and the names of nodes that checks speak of. What is
    used afterwards is returned. Takes what saves most first, until nothing is saved any more, so experts
    become functions inside those of layers.

    Why: LLVM's time is superlinear in the size of a function, and a layer with 128 experts that are
    written out is one of a hundred thousand operations.

    Limits: stretches are equal operation by operation, in one order; constants and weights may stand
    anywhere. Words are found by the distance between equal stretches, so one that comes again only a
    few times and at different distances may be missed. Operations between `kernel.profile` marks differ
    by the node's number: an instrumented model stays as it is. Locations are those of the first place.

    Before:
    ```mlir
    func.func @main(%x: memref<8xf32>, %y: memref<8xf32>) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %one = arith.constant 1.0 : f32
      %a0 = memref.load %x[%c0] : memref<8xf32>
      %a1 = arith.negf %a0 : f32
      %a2 = math.exp %a1 : f32
      %a3 = arith.addf %a2, %one : f32
      %a4 = arith.divf %one, %a3 : f32
      %a5 = arith.mulf %a0, %a4 : f32
      memref.store %a5, %y[%c0] : memref<8xf32>
      memref.store %a4, %y[%c1] : memref<8xf32>
      %c4 = arith.constant 4 : index
      %c5 = arith.constant 5 : index
      %b0 = memref.load %x[%c4] : memref<8xf32>
      %b1 = arith.negf %b0 : f32
      %b2 = math.exp %b1 : f32
      %b3 = arith.addf %b2, %one : f32
      %b4 = arith.divf %one, %b3 : f32
      %b5 = arith.mulf %b0, %b4 : f32
      memref.store %b5, %y[%c4] : memref<8xf32>
      memref.store %b4, %y[%c5] : memref<8xf32>
      return
    }
    ```
    After:
    ```mlir
    func.func private @main_part(%x: memref<8xf32>, %i: index, %y: memref<8xf32>)
        attributes {kernel.outlined, no_inline} {
      %one = arith.constant 1.0 : f32
      %c1 = arith.constant 1 : index
      %j = arith.addi %i, %c1 : index
      %0 = memref.load %x[%i] : memref<8xf32>
      %1 = arith.negf %0 : f32
      %2 = math.exp %1 : f32
      %3 = arith.addf %2, %one : f32
      %4 = arith.divf %one, %3 : f32
      %5 = arith.mulf %0, %4 : f32
      memref.store %5, %y[%i] : memref<8xf32>
      memref.store %4, %y[%j] : memref<8xf32>
      return
    }
    func.func @main(%x: memref<8xf32>, %y: memref<8xf32>) {
      %c0 = arith.constant 0 : index
      call @main_part(%x, %c0, %y) : (memref<8xf32>, index, memref<8xf32>) -> ()
      %c4 = arith.constant 4 : index
      call @main_part(%x, %c4, %y) : (memref<8xf32>, index, memref<8xf32>) -> ()
      return
    }
    ```
  }];
  let options = [Option<"minLength", "min-length", "unsigned", "8",
                        "The fewest operations that become a function">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
                           "::moec::kernel::KernelDialect"];
  let statistics = [Statistic<"numFunctions", "num-functions", "Functions made">,
                    Statistic<"numCalls", "num-calls", "Stretches replaced by calls">];
}

def OutlineTasksPass : Pass<"par-outline-tasks", "::mlir::ModuleOp"> {
  let summary = "Make the bodies of parallel loops functions";
  let description = [{
    The body of each `par.for` becomes a function of the range and of the values it uses; equal bodies
    become one function, named after the first of them: `task_` and the node's name, where the location
    has one.

    Why: the runtime calls a function, and a model's layers do the same things many times. Profilers show
    where the time goes by the names of functions.

    Limits: a loop inside a loop is outlined first and launched from inside.

    Before:
    ```mlir
    func.func @fill(%n: index, %grain: index, %out: memref<?xf32>, %v: f32) {
      par.for %begin, %end in %n grain %grain {
        %c1 = arith.constant 1 : index
        scf.for %i = %begin to %end step %c1 {
          memref.store %v, %out[%i] : memref<?xf32>
        }
      }
      return
    }
    ```
    After:
    ```mlir
    func.func private @fill_task(%begin: index, %end: index, %v: f32, %out: memref<?xf32>) {
      %c1 = arith.constant 1 : index
      scf.for %i = %begin to %end step %c1 {
        memref.store %v, %out[%i] : memref<?xf32>
      }
      return
    }
    func.func @fill(%n: index, %grain: index, %out: memref<?xf32>, %v: f32) {
      par.launch @fill_task in %n grain %grain args(%v, %out : f32, memref<?xf32>)
      return
    }
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::moec::par::ParDialect"];
}

def PlaceDeallocationsPass : Pass<"moec-place-deallocations", "::mlir::func::FuncOp"> {
  let summary = "Free buffers after their last use";
  let description = [{
    Follows every buffer through its views to the last operation that may touch it and frees it there.
    Results get memory of their own, for the caller to free: an argument, a weight, a part of a buffer, or
    a buffer returned twice is copied.

    Why: a call should hold only what it still needs.

    Limits: a buffer that leaves its block through a terminator other than the function's is not freed
    here; the runtime frees it at the end of the call.

    Before:
    ```mlir
    func.func @f(%x: memref<4xf32>) -> (memref<4xf32>, memref<4xf32>) {
      %a = memref.alloc() : memref<4xf32>
      memref.copy %x, %a : memref<4xf32> to memref<4xf32>
      %b = memref.alloc() : memref<4xf32>
      memref.copy %a, %b : memref<4xf32> to memref<4xf32>
      return %b, %x : memref<4xf32>, memref<4xf32>
    }
    ```
    After:
    ```mlir
    func.func @f(%x: memref<4xf32>) -> (memref<4xf32>, memref<4xf32>) {
      %a = memref.alloc() : memref<4xf32>
      memref.copy %x, %a : memref<4xf32> to memref<4xf32>
      %b = memref.alloc() : memref<4xf32>
      memref.copy %a, %b : memref<4xf32> to memref<4xf32>
      memref.dealloc %a : memref<4xf32>
      %c = memref.alloc() {alignment = 64 : i64} : memref<4xf32>
      memref.copy %x, %c : memref<4xf32> to memref<4xf32>
      return %b, %c : memref<4xf32>, memref<4xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
  let statistics = [Statistic<"numDeallocations", "num-deallocations", "Buffers freed">];
}

def PlanMemoryPass : Pass<"moec-plan-memory", "::mlir::func::FuncOp"> {
  let summary = "Let the buffers of a call share one block of memory";
  let description = [{
    The allocations in the body of the public function become entries of one `kernel.arena` at its start:
    the size, computed there, and the first and last operation that touch the buffer. The runtime finds
    the places, once for each tuple of sizes. A buffer whose size depends on data is placed when its size
    is known, in what room is left then, or gets memory of its own. Checks of sizes move to the start as
    well.

    Why: all sizes and lives together give less memory than one request after the other can, and a
    repeated call asks for nothing.

    Limits: straight-line code of one function; allocations in loops and branches stay, and so do those
    in functions that are called.

    Before:
    ```mlir
    func.func @main(%x: memref<?x8xf32>) -> memref<?x8xf32> {
      %c0 = arith.constant 0 : index
      %n = memref.dim %x, %c0 : memref<?x8xf32>
      %a = memref.alloc(%n) : memref<?x8xf32>
      memref.copy %x, %a : memref<?x8xf32> to memref<?x8xf32>
      %b = memref.alloc(%n) : memref<?x8xf32>
      memref.copy %a, %b : memref<?x8xf32> to memref<?x8xf32>
      memref.dealloc %a : memref<?x8xf32>
      return %b : memref<?x8xf32>
    }
    ```
    After:
    ```mlir
    func.func @main(%x: memref<?x8xf32>) -> memref<?x8xf32> {
      %c32 = arith.constant 32 : index
      %n = memref.dim %x, %c0 : memref<?x8xf32>
      %bytes = arith.muli %c32, %n : index
      %memory, %offsets = kernel.arena sizes(%bytes) entries [0 in 3 to 5, 0 in 5 to end]
          : memref<?xi8>, memref<2xindex>
      %0 = memref.load %offsets[%c0] : memref<2xindex>
      %a = memref.view %memory[%0][%n] : memref<?xi8> to memref<?x8xf32>
      memref.copy %x, %a : memref<?x8xf32> to memref<?x8xf32>
      %1 = memref.load %offsets[%c1] : memref<2xindex>
      %b = memref.view %memory[%1][%n] : memref<?xi8> to memref<?x8xf32>
      memref.copy %a, %b : memref<?x8xf32> to memref<?x8xf32>
      return %b : memref<?x8xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
                           "::moec::kernel::KernelDialect"];
  let statistics = [
    Statistic<"numKnown", "num-known", "Buffers placed when the call starts">,
    Statistic<"numPlaced", "num-placed", "Buffers placed when their size is known">];
}

def ReuseBuffersPass : Pass<"moec-reuse-buffers", "::mlir::func::FuncOp"> {
  let summary = "Write results over operands that are no longer needed";
  let description = [{
    The result of an elementwise operation takes the buffer of an operand that nothing reads afterwards,
    if the operation reads of it only the element that it writes. A copy of a buffer that nothing reads
    afterwards is dropped.

    Why: bufferization gives each result a buffer of its own. One buffer less is in use at once, and
    memory that is in a cache already is written.

    Limits: the operand's buffer is allocated in the same block, and is walked in the result's order.

    Before:
    ```mlir
    #id = affine_map<(d0) -> (d0)>
    func.func @main(%x: memref<4xf32>, %f: f32) -> memref<4xf32> {
      %a = memref.alloc() : memref<4xf32>
      linalg.fill ins(%f : f32) outs(%a : memref<4xf32>)
      %b = memref.alloc() : memref<4xf32>
      linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
          ins(%a, %x : memref<4xf32>, memref<4xf32>) outs(%b : memref<4xf32>) {
        ^bb0(%p: f32, %q: f32, %out: f32):
          %0 = arith.addf %p, %q : f32
          linalg.yield %0 : f32
      }
      return %b : memref<4xf32>
    }
    ```
    After:
    ```mlir
    #id = affine_map<(d0) -> (d0)>
    func.func @main(%x: memref<4xf32>, %f: f32) -> memref<4xf32> {
      %a = memref.alloc() : memref<4xf32>
      linalg.fill ins(%f : f32) outs(%a : memref<4xf32>)
      linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
          ins(%a, %x : memref<4xf32>, memref<4xf32>) outs(%a : memref<4xf32>) {
        ^bb0(%p: f32, %q: f32, %out: f32):
          %0 = arith.addf %p, %q : f32
          linalg.yield %0 : f32
      }
      return %a : memref<4xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
  let statistics = [Statistic<"numReused", "num-reused", "Results that took an operand's buffer">,
                    Statistic<"numCopies", "num-copies", "Copies dropped">];
}

#endif // MOEC_PASSES_TRANSFORMS_BUFFERPASSES_TD
