/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether virtual machines run under KVM here. That /dev/kvm can be opened says nothing: a machine is started and has to run a few
 * instructions.
 */

#include "backends/job.h"

/*
 * PROGRAM (qemu-system-...) runs a machine under KVM; *WHY (the caller frees) is why not. What was found since the boot is remembered in
 * the folder cache/ of STATE (NULL: none); otherwise it is tried, which takes well under a second unless KVM hangs.
 */
bool accelerator_kvm_runs(const char *state, const char *program, char **why);

/*
 * What ASKED ("" or an option's value) means here, static: kvm where it runs, else tcg. Error (CATALOG) if what is asked for does not run here.
 */
int accelerator_choose(struct job *job, const char *program, const char *asked, const char **name,
	struct error *err);
