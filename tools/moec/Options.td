//===- Options.td - The flags of moec and its commands ---------------------------------------------===//
//
// One visibility per command: a flag lists the commands that take it. The text is what users read in
// `moec help COMMAND`.
//
//===----------------------------------------------------------------------------------------------===//
include "llvm/Option/OptParser.td"

def CompileVis : OptionVisibility;
def RunVis : OptionVisibility;
def InspectVis : OptionVisibility;
def EvaluateVis : OptionVisibility;
def BenchVis : OptionVisibility;
def GenerateVis : OptionVisibility;

defvar ExecutingCommands = [RunVis, EvaluateVis, BenchVis, GenerateVis];
defvar AllCommands = !listconcat(ExecutingCommands, [CompileVis, InspectVis]);

class Switch<string name, string help, list<OptionVisibility> commands>
    : Flag<["--"], name>, HelpText<help>, Visibility<commands>;

/// `--name VALUE` and `--name=VALUE`.
multiclass Value<string name, string meta, string help, list<OptionVisibility> commands> {
  def NAME : Separate<["--"], name>, MetaVarName<meta>, HelpText<help>, Visibility<commands>;
  def NAME#_eq : Joined<["--"], name#"=">, Alias<!cast<Option>(NAME)>, Visibility<commands>;
}

/// The same with another help text for the first list of commands.
multiclass ValueByCommand<string name, string meta, list<OptionVisibility> some, string helpForSome,
                          list<OptionVisibility> others, string help> {
  defvar commands = !listconcat(some, others);
  def NAME : Separate<["--"], name>, MetaVarName<meta>, HelpText<help>,
             HelpTextForVariants<some, helpForSome>, Visibility<commands>;
  def NAME#_eq : Joined<["--"], name#"=">, Alias<!cast<Option>(NAME)>, Visibility<commands>;
}

// --- All commands ---------------------------------------------------------------------------------
def help : Switch<"help", "Show this help", AllCommands>;
def help_short : Flag<["-"], "h">, Alias<help>,
                 Visibility<AllCommands>;

// --- Commands that execute a compiled model -------------------------------------------------------
defm threads : Value<"threads", "N", "Threads to run with; 0, the default, takes every CPU of the process",
                     ExecutingCommands>;
defm weights_file : ValueByCommand<"weights-file", "FILE", [CompileVis],
                                   "Put the packed weights into FILE, not into the shared object", ExecutingCommands,
                                   "Where the weights are, if neither in the model nor beside it">;
def json : Flag<["--"], "json">, HelpText<"Print JSON">,
           HelpTextForVariants<[RunVis], "Print the result of --compare-onnx as JSON">,
           Visibility<[InspectVis, EvaluateVis, BenchVis, RunVis]>;

// --- compile --------------------------------------------------------------------------------------
def output : JoinedOrSeparate<["-"], "o">, MetaVarName<"FILE">, HelpText<"Write the result to FILE">,
             Visibility<[CompileVis]>;
def jobs : JoinedOrSeparate<["-"], "j">, MetaVarName<"N">,
           HelpText<"Compile with N threads; 0, the default, takes every CPU of the process">,
           Visibility<[CompileVis]>;
def optimize : JoinedOrSeparate<["-"], "O">, MetaVarName<"LEVEL">,
               HelpText<"Optimize code at LLVM's LEVEL: 0, 1, 2 or 3, the default">, Visibility<[CompileVis]>;
defm emit : Value<"emit", "PHASE", "Stop after PHASE and write its form of the model", [CompileVis]>;
defm from : Value<"from", "PHASE", "MODEL is the form after PHASE; go on from there", [CompileVis]>;
defm target_cpu : Value<"target-cpu", "CPU",
                        "CPU to compile for: native (the default), x86-64-v3, x86-64-v4, …", [CompileVis]>;
defm compress : Value<"compress", "PLAN", "Compress as PLAN says in short: experts=25%:norm,ffn=lowrank:0.5,"
                                         "weights=int4:group=32 (see README)", [CompileVis]>;
defm plan : Value<"plan", "FILE", "Compress as the plan in FILE says, in JSON; before --compress", [CompileVis]>;
defm save_plan : Value<"save-plan", "FILE", "Write a plan to FILE that does what was done again", [CompileVis]>;
defm report : Value<"report", "FILE", "Write to FILE, in JSON, what compression did to each layer and what it left as it is", [CompileVis]>;
def remarks : Flag<["--"], "remarks">, HelpText<"Print what passes did and refused, and why, by node">,
              Visibility<[CompileVis]>;
def remarks_eq : Joined<["--"], "remarks=">, MetaVarName<"REGEX">, HelpText<"… where node or text match REGEX">,
                 Visibility<[CompileVis]>;
def no_raise : Switch<"no-raise", "Compile the nodes as the file has them; do not look for experts and attention",
                      [CompileVis]>;
def fuse_gates : Switch<"fuse-gates", "Compute gates of feed-forward layers in their products, too: slower for few tokens",
                        [CompileVis]>;
def no_fuse : Switch<"no-fuse", "Leave linear layers and what follows them as they are, each a loop of its own", [CompileVis]>;
defm state : Value<"state", "PAIRS",
                   "Let sessions keep the caches: auto, or INPUT:OUTPUT,… by name; generation then copies none",
                   [CompileVis]>;
defm context_size : ValueByCommand<"context-size", "N", [CompileVis],
                                   "Tokens that the caches of --state have room for by default (default 4096)",
                                   [GenerateVis], "Tokens to have room for, prompt included; 0: as compiled">;
def allow_linked_weights
    : Switch<"allow-linked-weights",
             "Follow symbolic and hard links to the model's external data, as download caches have them",
             [CompileVis, InspectVis]>;

// That of `run` takes a file. Two flags of one name must differ in their prefixes: this one may have one dash.
def count_nodes : Flag<["--", "-"], "profile">, Visibility<[CompileVis]>,
                  HelpText<"Let the code count what it does for each node, for --profile of run">;

// --- run, bench -----------------------------------------------------------------------------------
defm inputs : Value<"inputs", "FILE.npz", "Arrays under the names of the model's inputs", [RunVis, BenchVis]>;
defm case : Value<"case", "PREFIX", "Take the arrays PREFIX/NAME instead of NAME", [RunVis, BenchVis]>;
defm outputs : Value<"outputs", "FILE.npz", "Write the outputs to FILE.npz", [RunVis]>;
defm expect : Value<"expect", "FILE.npz",
                    "Compare the outputs with those in FILE.npz and fail outside the tolerance", [RunVis]>;
defm compare_onnx : Value<"compare-onnx", "MODEL.onnx",
                          "Find the first node whose value differs from ONNX Runtime's, which runs MODEL.onnx in "
                          "$MOEC_PYTHON or python3. What is compiled with its inner values as outputs is MODEL.onnx, or, "
                          "where an ONNX file stands in place of MODEL.so, that file", [RunVis]>;
defm rtol : Value<"rtol", "R", "Relative tolerance of --expect and --compare-onnx: |a-b| <= A + R*|b| (default 1e-3)",
                  [RunVis]>;
defm atol : Value<"atol", "A", "Absolute tolerance of --expect and --compare-onnx (default 1e-3)", [RunVis]>;
defm calls : Value<"calls", "N", "Call the model N times (default 1)", [RunVis]>;
defm profile : Value<"profile", "FILE",
                     "Write where the time goes, by nodes, to FILE (- is standard output): calls, time, FLOPs of "
                     "matrix products, bytes read and written, parallel regions. The model must have been compiled "
                     "with --profile", [RunVis]>;
defm profile_format : Value<"profile-format", "FORMAT",
                            "json: sums over all calls; trace: the last call for chrome://tracing or Perfetto, the "
                            "default for a FILE that ends in .trace.json", [RunVis]>;
defm seconds : Value<"seconds", "S", "Measure for S seconds, at least three calls (default 3)", [BenchVis]>;

// --- evaluate, generate ---------------------------------------------------------------------------
defm tokens : ValueByCommand<"tokens", "TOKENS", [GenerateVis], "Generate at most TOKENS tokens (default 64)",
                             [EvaluateVis],
                             "Token ids [rows, length] from the .npz file TOKENS: its array input_ids, else the "
                             "first matrix of integers">;

// --- evaluate -------------------------------------------------------------------------------------
defm reference : Value<"reference", "A.so",
                       "Compare with the compiled model A.so on the same tokens: ratio of the perplexities, divergence "
                       "of the predictions, agreement on the likeliest token", [EvaluateVis]>;
defm reference_weights_file : Value<"reference-weights-file", "FILE", "As --weights-file, of the model of --reference",
                                    [EvaluateVis]>;
defm labels : Value<"labels", "KEY",
                    "Report by the label of each row, from array KEY (default: domain, where the file has it)",
                    [EvaluateVis]>;
defm rows : Value<"rows", "N", "Take only the first N rows (after --every)", [EvaluateVis]>;
defm every : Value<"every", "K", "Take every K-th row, from the first on (default 1)", [EvaluateVis]>;
defm batch : ValueByCommand<"batch", "N", [RunVis],
                            "Compare N values of --compare-onnx at a time (default 256); fewer take less memory",
                            [EvaluateVis], "Rows per call (default 8, or what the model fixes)">;

// --- generate -------------------------------------------------------------------------------------
defm tokenizer : Value<"tokenizer", "FILE", "The model's tokenizer.json (byte-level BPE)", [GenerateVis]>;
defm prompt : Value<"prompt", "TEXT", "Text to go on from; - reads it from standard input", [GenerateVis]>;
defm temperature : Value<"temperature", "T",
                         "Sample with logits divided by T; 0, the default, takes the likeliest token", [GenerateVis]>;
defm top_k : Value<"top-k", "K", "Sample among the K likeliest tokens only; 0, the default: among all", [GenerateVis]>;
defm seed : Value<"seed", "S", "Seed of the sampling (default 0)", [GenerateVis]>;
