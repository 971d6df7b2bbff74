#!/bin/bash
# SPDX-License-Identifier: MIT
#
# spin searches the protocols' models. Each model holds, and each of its
# mutants, a mistake that somebody could make, fails.
set -u

models=$SFSHM_SOURCE/tests/stress/model
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0

ok()
{
	n=$((n + 1))
	echo "ok $n - $1"
}

not_ok()
{
	n=$((n + 1))
	echo "not ok $n - $1"
	sed 's/^/# /' "$dir/out"
}

# search -O MODEL [SPIN OPTION...]: prints how many errors there are. A mutant
# fails early, so its search needs no optimizer.
search()
{
	local optimized=$1 model=$2
	shift 2
	(cd "$dir" && rm -f pan* && spin -a "$@" "$models/$model.pml" &&
		gcc "$optimized" -w -DSAFETY -DVECTORSZ=2048 -DMEMLIM=2000 -o pan pan.c &&
		./pan -m200000) >"$dir/out" 2>&1
	sed -n 's/.*errors: \([0-9]*\)$/\1/p' "$dir/out"
}

# holds MODEL [OPTION...]
holds()
{
	if [ "$(search -O1 "$@")" = 0 ] && ! grep -q 'max search depth too small' "$dir/out"; then
		ok "$* holds"
	else
		not_ok "$* holds"
	fi
}

# fails MODEL MUTANT [OPTION...]
fails()
{
	local model=$1 mutant=$2
	shift 2
	if [ "$(search -O0 "$model" "-D$mutant" "$@")" = 1 ]; then
		ok "$model with $mutant fails"
	else
		not_ok "$model with $mutant fails"
	fi
}

holds flight
holds flight -DN=2 -DASKS=2
fails flight CLAIM_WITHOUT_GENERATION
fails flight PUBLISH_WITHOUT_CAS
fails flight WRITE_CURRENT_FIELD
fails flight NO_VALIDATION -DN=2 -DASKS=3
fails flight STEAL_IN_PLACE
holds wait
for mutant in NO_RELAY NO_WAKE_ALL NO_RECHECK WAKE_BEFORE_CHANGE \
	RELEASE_WITHOUT_W5; do
	fails wait $mutant
done
holds epoch
for mutant in NO_EXPULSION_CHECK REUSE_AFTER_ONE NOTE_BEFORE_UNLINK \
	NO_FENCE; do
	fails epoch $mutant
done
holds door
for mutant in LOCK_OUTSIDE UNLOCK_OUTSIDE LEAVE_EARLY MEND_LIVING NO_MENDING \
	ASK_FIRST END_ANYHOW; do
	fails door $mutant
done
holds fleet
holds fleet -DBACK
holds fleet -DEXPIRY=0 -DP=2 -DFLIGHTS=2
holds fleet -DEXPIRY=0 -DKILLS=0
for mutant in INCR_TOKENS ACCEPT_IF_FREE NO_ALIVE NO_REPEAT NO_FENCE \
	SHORT_MEMORY; do
	fails fleet $mutant
done
fails fleet NO_FLOOR -DBACK
fails fleet HOLDER_IS_PROCESS -DEXPIRY=0 -DP=2 -DFLIGHTS=2
fails fleet LOOK_THEN_WATCH -DEXPIRY=0 -DKILLS=0
echo "1..$n"
