# Roofline of the meta-learning kernel (Williams, Waterman and Patterson 2009): GFLOP/s of every measured
# configuration against its FLOP per byte of saved tensors written and read once.
#
#   build/release/bench/bench_kernel --csv kernel.csv
#   gnuplot -e "csv='kernel.csv'; out='roofline.svg'" plots/roofline.gp
if (!exists("csv")) csv = 'kernel.csv'
if (!exists("out")) out = 'roofline.svg'
set terminal svg size 900,600 font 'sans,13' background '#ffffff'
set output out
set datafile separator ','
set datafile columnheaders
set key bottom right
set logscale xy
set xlabel 'arithmetic intensity (FLOP per byte of saved tensors)'
set ylabel 'GFLOP/s, one thread'
set title 'Meta-learning kernel against one core'
set grid
stats csv using (column("peak_gflop_per_s")) nooutput name 'PEAK'
stats csv using (column("dram_gb_per_s")) nooutput name 'DRAM'
stats csv using (column("flop_per_byte")) nooutput name 'X'
set xrange [X_min / 4 : X_max * 2]
set yrange [PEAK_max / 20 : PEAK_max * 1.3]
roof(x) = x * DRAM_max < PEAK_max ? x * DRAM_max : PEAK_max
of(name, y) = strcol("algorithm") eq name ? y : NaN
plot roof(x) with lines lw 2 lc rgb '#404040' title 'roof: FMA peak, DRAM bandwidth', \
  for [a in "maml fomaml anil alfa ealfa"] csv using (column("flop_per_byte")):(of(a, column("gflop_per_s"))) \
    with points pt 7 ps 0.7 title a
