# bash completion of faascast; made by: faascast help --completion
_faascast() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    local command=${COMP_WORDS[1]} words=
    case $before in
    --format) COMPREPLY=($(compgen -W 'table csv json' -- "$word")); return;;
    -o) COMPREPLY=($(compgen -f -- "$word")); return;;
    esac
    if [ "$COMP_CWORD" -eq 1 ]; then
        words='check predict simulate compare plan sweep results sensitivity explain show new plot report train calibrate kernel-check import fit score claims help version'
    elif [[ $word == -* ]]; then
        words='--set --format -o -q --quiet --no-color --fail-if --help --version'
        case $command in
        check) words+=' --resolved';;
        simulate) words+=' --exact --threads --point --timeline --timeline-rounds --gantt --gantt-round --runs --starts';;
        compare) words+=' --exact --threads --point';;
        plan) words+=' --deadline --budget --minimise --confidence --closed-form --replications --strategy --seed --profile-rounds --break-even -j';;
        sweep) words+=' --engine -j --store --dry-run --fail-fast --shard --mpi';;
        results) words+=' --run --where';;
        sensitivity) words+=' --point --vary --samples --seed';;
        explain) words+=' --point --readings';;
        new) words+=' --from';;
        plot) words+=' --keep --where --value --per-round --every --arrivals --days --seed --vm-usd-per-hour --unit --time-limit';;
        report) words+=' --scenario --deadline --budget --where --closed-form';;
        train) words+=' --iterations --data --test-data --test-classes --validation-classes --rotations --mirrors --shifts --inner-rate --outer-rate --anneal --evaluate-every --validation-tasks --test-tasks --threads --seed --checkpoint';;
        calibrate) words+=' --algorithms --datasets --backbones --shots --steps --queries --seconds --threads --path --quota --name --add --compare';;
        kernel-check) words+=' --path';;
        import) words+=' --as --map --const --run';;
        fit) words+=' --what --name --over --where --system --source --date --families --cap-vcpu --latency-s';;
        score) words+=' --against --hold-out --where --engine --max-mape --constants --what --cap-vcpu --latency-s';;
        claims) words+=' --papers';;
        help) words+=' --man --completion';;
        esac
    else
        COMPREPLY=($(compgen -f -- "$word")); return
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o filenames -F _faascast faascast
