#ifndef MOEC_DIALECTS_KERNEL_KERNELOPS_TD
#define MOEC_DIALECTS_KERNEL_KERNELOPS_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Kernel_Dialect : Dialect {
  let name = "kernel";
  let cppNamespace = "::moec::kernel";
  let summary = "Calls of kernels, and the weights they read, below the target-independent form";
  let useDefaultAttributePrinterParser = 1;
}

def Kernel_PanelsAttr : AttrDef<Kernel_Dialect, "Panels"> {
  let mnemonic = "panels";
  let summary = "A matrix packed into panels of columns";
  let description = [{
    How matrix kernels read constant matrices: `count` matrices [depth, columns] that lie in a tensor at
    `offset`, with the given strides for (matrix, row, column), cut into panels of `panel` columns, each
    row by row, the last filled up with zeros. The packed form is a tensor of shape
    [count, ceil(columns / panel), depth, panel]. All numbers count elements. The reference packer and
    unpacker are in moec/Weights/Panels.h.

    With `perByte` the elements are codes of which so many lie in a byte; in a panel these are neighbours of
    one column, and there are ceil(depth / perByte) rows of bytes.

    ```mlir
    #kernel.panels<count = 1, depth = 256, columns = 128, offset = 0, strides = [0, 128, 1], panel = 64>
    ```
  }];
  let parameters = (ins "int64_t":$count, "int64_t":$depth, "int64_t":$columns, "int64_t":$offset,
                        "::mlir::DenseI64ArrayAttr":$strides, "int64_t":$panel,
                        DefaultValuedParameter<"int64_t", "1">:$perByte);
  let extraClassDeclaration = [{
    /// Rows of a panel, in memory.
    int64_t getPackedDepth() { return (getDepth() + getPerByte() - 1) / getPerByte(); }
  }];
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

class Kernel_Op<string mnemonic, list<Trait> traits = []> : Op<Kernel_Dialect, mnemonic, traits>;

def Kernel_CallOp : Kernel_Op<"call", [DestinationStyleOpInterface, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Call a kernel on tensors or buffers";
  let description = [{
    `kernel` is a function of the kernel library or the kernel generator, named with its type, e.g.
    `topk_f32`. It takes the inputs, then the outputs, as row-major buffers with dynamic sizes; scalar
    inputs (index, integers, floats) are passed as they are. A kernel writes every element of its
    outputs; where it also reads one (accumulates), the kernel's documentation says so and the operand
    must be initialised.

    On tensors, each output operand has one result; on buffers there are no results.

    ```mlir
    %v, %i = kernel.call @topk_f32 ins(%x, %k : tensor<?x16xf32>, index)
        outs(%v0, %i0 : tensor<?x?xf32>, tensor<?x?xi64>) : tensor<?x?xf32>, tensor<?x?xi64>
    kernel.call @topk_f32 ins(%x, %k : memref<?x16xf32>, index)
        outs(%v0, %i0 : memref<?x?xf32>, memref<?x?xi64>)
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<AnyType>:$inputs,
                       Variadic<AnyShaped>:$outputs);
  let results = (outs Variadic<AnyTensor>:$results);
  let assemblyFormat = [{
    $kernel (`ins` `(` $inputs^ `:` type($inputs) `)`)? (`outs` `(` $outputs^ `:` type($outputs) `)`)?
    attr-dict (`:` type($results)^)?
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getOutputsMutable(); }
  }];
  let hasVerifier = 1;
}

def Kernel_PackedOp : Kernel_Op<"packed", [Symbol]> {
  let summary = "An entry of the artifact's weights";
  let description = [{
    The bytes of `sources` (`moe.weight_data`), one after the other, laid out for the code that reads
    them, at `offset` of the packed weights (a multiple of 64). Without `layouts` (one for each source)
    they are the sources' bytes. With `beside` n > 1 the matrices of each n sources are the columns of one
    stack of matrices, side by side: a product with them is one product, and no copy of them is made.

    ```mlir
    kernel.packed @w0 from @"model.embed.weight" offset 0 size 131072
    kernel.packed @w1 from @"experts.0.up", @"experts.1.up" offset 131072 size 262144
    kernel.packed @w2 from @gate, @up offset 393216 size 2048
      layout #kernel.panels<count = 1, depth = 16, columns = 16, offset = 0, strides = [0, 16, 1], panel = 32>,
             #kernel.panels<count = 1, depth = 16, columns = 16, offset = 0, strides = [0, 16, 1], panel = 32> {beside = 2 : i64}
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, FlatSymbolRefArrayAttr:$sources, I64Attr:$offset,
                       I64Attr:$size,
                       OptionalAttr<TypedArrayAttrBase<Kernel_PanelsAttr, "layouts">>:$layouts,
                       DefaultValuedAttr<ConfinedAttr<I64Attr, [IntPositive]>, "1">:$beside);
  let assemblyFormat = [{
    $sym_name `from` custom<List>($sources) `offset` $offset `size` $size
    (`layout` custom<List>($layouts)^)? attr-dict
  }];
  let hasVerifier = 1;
}

def Kernel_WeightOp : Kernel_Op<"weight", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Packed weights in memory, read only";
  let description = [{
    `key` is a `kernel.packed`.

    ```mlir
    %w = kernel.weight @w0 : tensor<256x128xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$key);
  let results = (outs AnyShaped:$result);
  let assemblyFormat = "$key attr-dict `:` type($result)";
}

def Kernel_CheckOp : Kernel_Op<"check", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "End the call with an error unless a condition holds";
  let description = [{
    The error carries the name of the node and the message. The node is `node` (from
    `kernel.node_name`), by default the operation's location. Outside a parallel loop only.

    ```mlir
    kernel.check %ok, "the split sizes do not add up to the axis"
    kernel.check %ok, "the split sizes do not add up to the axis" node %n
    ```
  }];
  let arguments = (ins I1:$condition, StrAttr:$message, Optional<Index>:$node);
  let assemblyFormat = "$condition `,` $message (`node` $node^)? attr-dict";
  let builders = [OpBuilder<(ins "::mlir::Value":$condition, "::llvm::StringRef":$message), [{
    build($_builder, $_state, condition, message, ::mlir::Value());
  }]>];
}

def Kernel_NodeNameOp : Kernel_Op<"node_name", [Pure]> {
  let summary = "A node of the model, by name, as a value";
  let description = [{
    What code that several nodes share (`moec-outline-repeats`) is told about the one it runs for.

    ```mlir
    %n = kernel.node_name "/model/layers.3/mlp/Gather_7"
    ```
  }];
  let arguments = (ins StrAttr:$name);
  let results = (outs Index:$result);
  let assemblyFormat = "$name attr-dict";
}

def Kernel_AppendStateOp : Kernel_Op<"append_state", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Say how many rows the call adds to the session's state";
  let description = [{
    Ends the call with an error, before anything is lost, if the state has no room for them. They count
    once the call has succeeded. Once a call, before any is written.

    ```mlir
    kernel.append_state %rows
    ```
  }];
  let arguments = (ins Index:$rows);
  let assemblyFormat = "$rows attr-dict";
}

class Kernel_MemRefOf<Type element> : MemRefRankOf<[element], [1]>;

def Kernel_ArenaOp : Kernel_Op<"arena", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "The memory that the buffers of a call share";
  let description = [{
    Stands at the start of the entry function, once. `sizes` are sizes of buffers in bytes. Each entry is
    one buffer: the index of its size, and the positions of the first and the last operation of the
    function that use it; `?` is a size that is known later (`kernel.place`), `end` the position of
    results. The runtime places the buffers in `memory` so that those in use at the same time do not
    overlap; buffer i starts at byte `offsets[i]`, a multiple of 64.

    ```mlir
    %memory, %offsets = kernel.arena sizes(%a, %b) entries [0 in 3 to 7, ? in 5 to 8, 1 in 7 to end]
        : memref<?xi8>, memref<3xindex>
    %offset = memref.load %offsets[%c0] : memref<3xindex>
    %x = memref.view %memory[%offset][%n] : memref<?xi8> to memref<?x256xf32>
    ```
  }];
  let arguments = (ins Variadic<Index>:$sizes, DenseI32ArrayAttr:$entries);
  let results = (outs Kernel_MemRefOf<I8>:$memory, Kernel_MemRefOf<Index>:$offsets);
  let assemblyFormat = [{
    `sizes` `(` $sizes `)` `entries` custom<ArenaEntries>($entries) attr-dict
    `:` type($memory) `,` type($offsets)
  }];
  let hasVerifier = 1;
}

def Kernel_PlaceOp : Kernel_Op<"place", [AllTypesMatch<["memory", "result"]>, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Memory for an entry of the arena whose size is known only here";
  let description = [{
    Where the arena has room for `bytes` bytes during the entry's life, or else memory of its own. Given
    back by `memref.dealloc`. In a function that the entry calls, `memory` is an argument.

    ```mlir
    %m = kernel.place %c1 in %memory bytes %bytes : memref<?xi8>
    ```
  }];
  let arguments = (ins Kernel_MemRefOf<I8>:$memory, Index:$entry, Index:$bytes);
  let results = (outs Kernel_MemRefOf<I8>:$result);
  let assemblyFormat = "$entry `in` $memory `bytes` $bytes attr-dict `:` type($result)";
  let hasVerifier = 1;
}

class Kernel_ProfileOp<string mnemonic>
    : Kernel_Op<mnemonic, [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]>;

def Kernel_ProfileStartOp : Kernel_ProfileOp<"profile_start"> {
  let summary = "The call counts what its stretches of code do";
  let description = [{
    Stands first in the entry function, once. `count` is the number of stretches, which
    `kernel.profile_begin` and `kernel.profile_end` delimit.

    ```mlir
    kernel.profile_start 12
    ```
  }];
  let arguments = (ins I64Attr:$count);
  let assemblyFormat = "$count attr-dict";
}

def Kernel_ProfileBeginOp : Kernel_ProfileOp<"profile_begin"> {
  let summary = "A stretch of code starts";
  let description = [{
    Each stretch runs at most once a call; outside of loops and tasks.

    ```mlir
    kernel.profile_begin 3
    ```
  }];
  let arguments = (ins I64Attr:$stretch);
  let assemblyFormat = "$stretch attr-dict";
}

def Kernel_ProfileEndOp : Kernel_ProfileOp<"profile_end"> {
  let summary = "A stretch of code ends";
  let description = [{
    With what it has done: multiplications and additions of matrix products, and bytes read and written.

    ```mlir
    kernel.profile_end 3 flops %flops bytes %bytes
    ```
  }];
  let arguments = (ins I64Attr:$stretch, Index:$flops, Index:$bytes);
  let assemblyFormat = "$stretch `flops` $flops `bytes` $bytes attr-dict";
}

#endif // MOEC_DIALECTS_KERNEL_KERNELOPS_TD
