/* Option numbers of metafaas, shared with the replay of its equations (model/readings.c). */
#ifndef MODEL_PROTOCOLS_METAFAAS_H
#define MODEL_PROTOCOLS_METAFAAS_H

enum metafaas_option {
    METAFAAS_VARIANT,
    METAFAAS_M1,
    METAFAAS_M4,
    METAFAAS_M5,
    METAFAAS_M6,
    METAFAAS_M7,
    METAFAAS_M8,
    METAFAAS_M9,
    METAFAAS_M12,
    METAFAAS_M13,
    METAFAAS_M14,
    METAFAAS_M17,
    METAFAAS_M18
};
enum metafaas_variant { METAFAAS_LITERAL, METAFAAS_MINIMAL };
/* Values of an ambiguity option: as the chosen equation has it, as printed, as resolved. */
enum metafaas_choice { AS_THE_READING, AS_PRINTED, AS_RESOLVED };

#endif
