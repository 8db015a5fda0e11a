# One round of a simulated job, a lane per actor: what it did when.
#
#   faascast simulate FILE --gantt round.svg            (runs this)
#   gnuplot -e "csv='round.csv'; out='round.svg'" plots/gantt.gp
if (!exists("csv")) csv = 'round.csv'
if (!exists("out")) out = 'round.svg'
set datafile separator ','
set datafile columnheaders
stats csv using (column("lane")) nooutput name 'LANE'
height = 160 + 18 * (LANE_max + 1)
set terminal svg size 1000,(height > 2400 ? 2400 : height) font 'sans,12' background '#ffffff'
set output out
set xlabel 'time since the start of the job (s)'
set yrange [LANE_max + 0.7 : -0.7]
set ylabel 'actor'
set key outside top center horizontal
set style fill solid 1.0 noborder
of(name, y) = strcol("category") eq name ? y : NaN
categories = "start-up load compute exchange wait checkpoint"
colours = "#999999 #56b4e9 #009e73 #e69f00 #d9d9d9 #cc79a7"
plot for [i = 1 : words(categories)] csv \
  using (column("from_s")):(of(word(categories, i), column("lane"))):(column("from_s")):(column("to_s")):(column("lane") - 0.38):(column("lane") + 0.38) \
  with boxxyerror lc rgb word(colours, i) title word(categories, i)
