# Learning curves of `faascast train`, one line per run, and the accuracy aimed at.
#
#   gnuplot -e "format='svg'; output='curves.svg'; title='Omniglot'; files='a.csv b.csv'; names='MAML ANIL'" plots/training.gp
#
# files, names: as many words each; goal: a dashed line (optional). Columns read by name: iteration,
# validation_accuracy (where scored), train_accuracy (smoothed, drawn thin).
# Colours: Okabe and Ito's, which people with any colour vision tell apart.
set encoding utf8
if (!exists("format")) format = "svg"
if (!exists("title")) title = "Accuracy while training"
if (format eq "svg") set terminal svg size 800,500 fixed noenhanced font "sans-serif,14" background "#ffffff"
if (format eq "png") set terminal pngcairo size 1600,1000 noenhanced font "sans-serif,10" fontscale 2 linewidth 2 background "#ffffff"
set output output

set datafile separator comma
set datafile columnheaders
set datafile missing NaN
colours = "#0072B2 #D55E00 #009E73 #CC79A7 #333333 #E69F00"

set border 3 lc rgb "#555555"
set tics nomirror out scale 0.6 textcolor rgb "#222222"
set grid x y lc rgb "#DDDDDD" lw 0.7 dt 1
set title title textcolor rgb "#111111"
set xlabel "outer iterations (16 tasks each)"
set ylabel "accuracy (share of query images)"
set yrange [0:1.02]
set key bottom right

plot for [i=1:words(files)] word(files, i) using "iteration":"train_accuracy" smooth bezier \
         with lines lc rgb word(colours, i) lw 0.8 dt (2,3) notitle, \
     for [i=1:words(files)] word(files, i) using "iteration":"validation_accuracy" \
         with linespoints lc rgb word(colours, i) lw 2 pt 7 ps 0.3 title word(names, i), \
     (exists("goal") ? goal : NaN) with lines lc rgb "#767676" lw 1.5 dt (5,5) title exists("goal") ? sprintf("aim: %.2f", goal) : ""
unset output
