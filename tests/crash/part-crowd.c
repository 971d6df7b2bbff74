#include "parts.h"
int part_crowd(const struct options *opt) { (void)opt; return 0; }
