# What all pictures share: terminal, colours, frame, units. A script gets from the program, as
# assignments in front of this file: kind, format (svg, png, pdf), data (CSV, columns by name),
# output, title, subtitle, note_1, note_2, and what its own first lines name.
# Colours: Okabe and Ito's, which people with any colour vision tell apart; every series also has a
# dash and a point of its own, for print in grey.

set encoding utf8
# Sizes in pixels of a picture 800 wide; cairo counts in points.
letter(px) = sprintf("sans-serif,%g", format eq "svg" ? px : 0.72 * px)
if (format eq "svg") set terminal svg size 800,500 fixed noenhanced font letter(14) background "#ffffff" name kind
if (format eq "png") set terminal pngcairo size 1600,1000 noenhanced font letter(14) fontscale 2 linewidth 2 pointscale 2 background "#ffffff"
if (format eq "pdf") set terminal pdfcairo size 8.00in,5.00in noenhanced font letter(14) background "#ffffff"
set output output

set datafile separator comma
set datafile columnheaders
set datafile missing NaN

colours = "#0072B2 #D55E00 #009E73 #CC79A7 #333333 #E69F00 #56B4E9 #7A5195"
colour(i) = word(colours, int(i))
# A point of an SVG is larger than one of cairo.
point = format eq "svg" ? 0.75 : 1.0
set style line 1 lc rgb colour(1) lw 2   dt 1               pt 7  ps 0.75*point
set style line 2 lc rgb colour(2) lw 2   dt (12,5)          pt 9  ps 0.95*point
set style line 3 lc rgb colour(3) lw 2   dt (12,4,3,4)      pt 5  ps 0.75*point
set style line 4 lc rgb colour(4) lw 2   dt (3,4)           pt 13 ps 0.95*point
set style line 5 lc rgb colour(5) lw 2   dt (7,4)           pt 11 ps 0.95*point
set style line 6 lc rgb colour(6) lw 2   dt (18,4)          pt 15 ps 0.95*point
set style line 7 lc rgb colour(7) lw 2   dt (7,3,2,3,2,3)   pt 3  ps 0.80*point
set style line 8 lc rgb colour(8) lw 2   dt (2,3)           pt 1  ps 0.95*point
# The open or larger form of a series' own point, for published values.
open_point(i) = int(word("6 8 4 12 10 14 3 1", int(i)))
set style line 20 lc rgb "#767676" lw 1.5 dt (5,5)
set style line 21 lc rgb "#DDDDDD" lw 0.7 dt 1

set border 3 lc rgb "#555555" lw 1
set tics nomirror out scale 0.6 textcolor rgb "#222222"
set grid x y ls 21
set style fill solid 1.0 noborder

# Title left above, notes left below; the frame takes what is between.
set label 1001 title at screen 0.02, screen 0.955 left font letter(17) textcolor rgb "#111111"
set label 1002 subtitle at screen 0.02, screen 0.900 left font letter(13) textcolor rgb "#444444"
set label 1003 note_1 at screen 0.02, screen 0.060 left font letter(12) textcolor rgb "#555555"
set label 1004 note_2 at screen 0.02, screen 0.025 left font letter(12) textcolor rgb "#555555"
foot = strlen(note_2) > 0 ? 0.085 : strlen(note_1) > 0 ? 0.085 : 0.01
set origin 0, foot
set size 1, 0.88 - foot
set lmargin at screen 0.105
set rmargin at screen 0.975
set format "%g"
if (format eq "svg") {
    set xtics offset 0,0.35
    set xlabel offset 0,0.8
    set ylabel offset 0.5,0
} else {
    set xlabel offset 0,0.3
}
key_font = letter(13)
small_font = letter(12)
tiny_font = letter(11)
set key outside bottom left horizontal Left reverse samplen 3 spacing 1.15 font key_font height 0.6

# Seconds in the unit a person would use.
time_unit(longest_s) = longest_s > 3*86400 ? 86400.0 : longest_s > 2*3600 ? 3600.0 : longest_s > 300 ? 60.0 : longest_s < 0.3 ? 0.001 : 1.0
time_word(unit_s) = unit_s == 86400 ? "days" : unit_s == 3600 ? "h" : unit_s == 60 ? "min" : unit_s == 1 ? "s" : "ms"

# A logarithmic axis with labels at these of each decade: eval log_axis("x"), at 1, 2 and 5.
log_axis_at(a, labels) = sprintf("set logscale %s; set format %s ''; do for [e=-9:12] { do for [m in '%s'] { set %stics add (sprintf('%%g', m*10.0**e) m*10.0**e) } }; set format %s '%%g'", a, a, labels, a, a)
log_axis(a) = log_axis_at(a, "1 2 5")
