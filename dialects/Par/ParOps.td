#ifndef MOEC_DIALECTS_PAR_PAROPS_TD
#define MOEC_DIALECTS_PAR_PAROPS_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Par_Dialect : Dialect {
  let name = "par";
  let cppNamespace = "::moec::par";
  let summary = "Parallel execution on the runtime's workers";
}

class Par_Op<string mnemonic, list<Trait> traits = []> : Op<Par_Dialect, mnemonic, traits>;

def Par_ForOp : Par_Op<"for", [RecursiveMemoryEffects, SingleBlock]> {
  let summary = "A parallel loop over ranges, on buffers";
  let description = [{
    The runtime cuts [0, `count`) into ranges of at least `grain` iterations and runs the body once a
    range, with the range as block arguments `begin` and `end`. Iterations are independent. How it is
    cut depends on count, grain and the session's logical worker count only.

    ```mlir
    par.for %begin, %end in %count grain %grain {
      scf.for %i = %begin to %end step %c1 { … }
    }
    ```
  }];
  let arguments = (ins Index:$count, Index:$grain);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::mlir::Value":$count, "::mlir::Value":$grain,
    "::llvm::function_ref<void(::mlir::OpBuilder &, ::mlir::Location, ::mlir::Value, ::mlir::Value)>":$body)>];
  let extraClassDeclaration = [{
    ::mlir::Value getBegin() { return getBody().getArgument(0); }
    ::mlir::Value getEnd() { return getBody().getArgument(1); }
  }];
}

def Par_YieldOp : Par_Op<"yield", [Pure, Terminator, HasParent<"ForOp">]> {
  let summary = "Ends the body of a parallel loop";
  let assemblyFormat = "attr-dict";
}

def Par_LaunchOp : Par_Op<"launch", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "A parallel loop whose body is a function";
  let description = [{
    What `par-outline-tasks` makes of `par.for`: `callee` takes (begin, end, arguments…).

    ```mlir
    par.launch @task_3 in %count grain %grain args(%a, %b : memref<?xf32>, memref<?xf32>)
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Index:$count, Index:$grain, Variadic<AnyType>:$arguments);
  let assemblyFormat = [{
    $callee `in` $count `grain` $grain `args` `(` ($arguments^ `:` type($arguments))? `)` attr-dict
  }];
}

#endif // MOEC_DIALECTS_PAR_PAROPS_TD
