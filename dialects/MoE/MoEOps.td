#ifndef MOEC_DIALECTS_MOE_MOEOPS_TD
#define MOEC_DIALECTS_MOE_MOEOPS_TD

include "dialects/MoE/MoEAttentionOps.td"
include "dialects/MoE/MoELinearOps.td"
include "dialects/MoE/MoERoutingOps.td"
include "dialects/MoE/MoEStateOps.td"
include "dialects/MoE/MoEWeightOps.td"

#endif // MOEC_DIALECTS_MOE_MOEOPS_TD
