#!/usr/bin/env bash
# A sweep of 200 cases through a real Slurm on this machine: the same bytes as without it, also when tasks are killed on the way.
#
#   Tests/slurm/run.sh [PATH OF seatrial]
#
# Installs Slurm from the distribution's packages where it is missing (Debian, Ubuntu; as root), and starts munged, slurmctld and slurmd of its
# own, with their files, sockets and ports apart from any Slurm that may be there. Stops them when it ends. Exit code 77: Slurm cannot be
# installed or does not come up here, and nothing was tested.
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$(realpath "${1:-.build/release/seatrial}")
work=$(mktemp -d)
daemons=()

finish() {
  code=$?
  [ "$code" = 0 ] || [ "$code" = 77 ] || tail -n 20 "$work"/*.log "$work"/sweep/slurm/*.log 2>/dev/null | tail -n 60 >&2 || true
  for daemon in "${daemons[@]}"; do kill "$daemon" 2>/dev/null || true; done
  for daemon in "${daemons[@]}"; do wait "$daemon" 2>/dev/null || true; done
  rm -rf "$work"
  exit "$code"
}
trap finish EXIT

if ! command -v slurmctld >/dev/null || ! command -v slurmd >/dev/null || ! command -v munged >/dev/null; then
  echo "Installing Slurm"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq || true
  apt-get install -y -qq --no-install-recommends slurmctld slurmd slurm-client munge >/dev/null || { echo "no Slurm in this distribution"; exit 77; }
fi

# The daemons. Root owns all of them: it is a machine of its own for the time of the test.
host=$(hostname -s)
port=$((20000 + $$ % 20000))
head -c 128 /dev/urandom >"$work/munge.key"
chmod 600 "$work/munge.key"
chmod 755 "$work"
mkdir "$work/state" "$work/spool" "$work/munge"
chmod 755 "$work/munge"
cat >"$work/slurm.conf" <<END
ClusterName=seatrial
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort=$port
SlurmdPort=$((port + 1))
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
MaxArraySize=25
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc)
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF=$work/slurm.conf
munged --foreground --force --key-file="$work/munge.key" --socket="$work/munge/socket" --pid-file="$work/munge/pid" \
  --log-file="$work/munged.log" --seed-file="$work/munge/seed" >"$work/munged.out.log" 2>&1 &
daemons+=($!)
slurmctld -D >"$work/slurmctld.log" 2>&1 &
daemons+=($!)
slurmd -D -N "$host" >"$work/slurmd.log" 2>&1 &
daemons+=($!)
for second in $(seq 60); do
  [ "$(sinfo --noheader --format=%T 2>/dev/null)" = idle ] && break
  [ "$second" = 60 ] && { tail -n 20 "$work"/*.log; echo "Slurm does not come up on this machine"; exit 77; }
  sleep 1
done
echo "$(sinfo --version) runs, $(nproc) processors"

# Twenty combinations with ten seeds each, in 25 tasks of 8 cases.
cp -r scenarios/quickstart "$work/quickstart"
# What is expected of six machines and ten replicas does not hold in all of them.
sed -i '/^  expect:/,$d' "$work/quickstart/scenario.yaml"
cat >"$work/experiment.yaml" <<END
apiVersion: seatrial.dev/v1alpha1
kind: Experiment
metadata: {name: through-slurm}
spec:
  scenario: quickstart/scenario.yaml
  factors:
    - {name: machines, path: "cluster.nodePools[worker].count", levels: [5, 6, 7, 8]}
    - {name: replicas, path: "cluster.objects[Deployment/web].spec.replicas", levels: [9, 10, 11, 12, 13]}
  seeds: {from: 1, count: 10}
END
"$program" sweep "$work/experiment.yaml" --output "$work/undisturbed" --quiet >"$work/undisturbed.txt"

wait_for() {
  for second in $(seq 300); do
    [ -z "$(squeue --noheader)" ] && return
    sleep 1
  done
  echo "the jobs do not end"
  exit 1
}

"$program" sweep submit "$work/experiment.yaml" --engine slurm --output "$work/sweep" | tee "$work/submitted.txt"
array=$(sed -n 's/^Submitted  job \([0-9]*\).*/\1/p' "$work/submitted.txt")
grep -q '^#SBATCH --array=0-24$' "$work/sweep/slurm/cases.sh"
# In the middle of it, all tasks that run are killed, and those that wait are taken back; what they had done stays.
for tenth in $(seq 1200); do
  [ "$(find "$work/sweep/cases" -name '[0-9]*.json' | wc -l)" -ge 20 ] && break
  [ "$tenth" = 1200 ] && { echo "no task gets anything done"; exit 1; }
  sleep 0.1
done
scancel --full --signal=KILL "$array" || true
scancel "$array"
wait_for
done_before=$("$program" sweep list "$work/experiment.yaml" --output "$work/sweep" | grep -c ',true$' || true)
echo "$done_before of 200 cases done when the jobs were killed"
[ "$done_before" -lt 200 ] || { echo "nothing was left to continue with"; exit 1; }

"$program" sweep submit "$work/experiment.yaml" --engine slurm --output "$work/sweep"
wait_for
diff -r --exclude=slurm "$work/undisturbed" "$work/sweep"
diff "$work/undisturbed.txt" "$work/sweep/slurm/collect.log"
echo "200 cases through Slurm, killed and continued: the same bytes"
