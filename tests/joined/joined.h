/* SPDX-License-Identifier: MIT */
/*
 * The programs of a folder are joined where the build has SFSHM_JOIN_TESTS:
 * linking each of them by itself takes as long as compiling it. The compiler
 * includes this file before each of their files, whose main() has another name
 * there. PROGRAMS names a list of lines PROGRAM(function, "FOLDER-CLAIM").
 */
#ifndef JOINED_JOINED_H
#define JOINED_JOINED_H

#define PROGRAM(function, name) int function(int argc, char **argv);
#include PROGRAMS
#undef PROGRAM

#endif
