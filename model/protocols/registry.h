/* The list of systems, in the order of `show systems`. */
#ifndef MODEL_PROTOCOLS_REGISTRY_H
#define MODEL_PROTOCOLS_REGISTRY_H

#include "model/model.h"

#define SYSTEM_LIST(X)                                                                             \
    X(cirrus)                                                                                      \
    X(fedavg)                                                                                      \
    X(feng)                                                                                        \
    X(gradssharding)                                                                               \
    X(lambdaml_allreduce)                                                                          \
    X(lambdaml_scatterreduce)                                                                      \
    X(map)                                                                                         \
    X(metafaas)                                                                                    \
    X(mlless)                                                                                      \
    X(naik)                                                                                        \
    X(pywren)                                                                                      \
    X(serial)                                                                                      \
    X(siren)                                                                                       \
    X(smlt)                                                                                        \
    X(vm_ps)                                                                                       \
    X(vm_ring)

#define X(name) extern const struct protocol protocol_##name;
SYSTEM_LIST(X)
#undef X

#endif
