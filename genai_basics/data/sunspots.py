"""Monthly means of daily sunspot numbers, Zürich, January 1749 to December 1983.

Observations in the public domain; Andrews & Herzberg, Data (Springer, 1985). The numbers are
stored as tenths: low bytes, then high bytes, compressed.
"""

import base64
import zlib

import numpy as np

from .forecast import series_reading

__all__ = ["sunspots"]


def sunspots(*, calendar=False):
    """2,820 monthly sunspot numbers; the solar cycle takes about 11 years."""
    packed = zlib.decompress(base64.b85decode("".join(TENTHS.split())))
    low, high = np.frombuffer(packed, "uint8").astype("float64").reshape(2, -1)
    values = (low + 256 * high) / 10
    times = (np.datetime64("1749-01") + np.arange(len(values))).astype("datetime64[s]")
    return series_reading(
        values[:, None],
        times,
        ("sunspots",),
        ("sunspots",),
        season=132,
        frequency="month",
        calendar=calendar,
        time_column="month",
    )


TENTHS = r"""
c-o~_2UJwo7JX&j3{5~lDFP#90GXjk6$GVYfdQ!l(yJ)aRisE&qExXUs00P06cH2<BM?9_sI&+IA~nRX!9)pSLnZ
%}86a7SuJ3<q=FOe=?z-okefHk>nng6I*qPSky?v$OF!DAoGWD4gIp^s9nTBg^TAm;BoSr|Es`r?^v&}I>kS6dTI
;Y;~Zrl#T(L-W$?WTbA^26P{4Y78Aq$&r5nHd9s)9S0go3+PV>UhK_$s6s>F7wFjBQxR?=fF(!G@EFysotK}`jqh
fm6enAef?9j^LI&(-TLS3pIi1!9-sA}bM$G*QtVWpxSaiRUs6Zi;9b{j*zUsRS{{=2MyJh|0n*&1-QEF?j=8Lx3<
g6&j08@T=7#UJ^RFq&$ViS32{GW4mQkW>=rs#5DmN=zKR#7{LvDrWiSBZ4GXI(1c#e2XCa3&3UUmLjkLq17!J{(s
jmBGEits7_xudK1@Z0hWo8P29Y5XHYw;)a*(ReT9pC~H}Y(6cyB7sK9uj<QEsRO01nAl`g$1s4XFvVCNo7L;`Y#v
2z913gVnJHp;<h1TSbW={T&g;mU8rtvX24#*lbJ4Y{#w23*pDBwDKk4N(7-iMa*H@<==H^xkv9>;bE>tf1)7bI(<
%M37`yvXcaS`<n&(<@<Qg~PW=c7q`jqS;xWZMuw16Kn-KijelV_Vm=-IQJJMuWM_qlQPEPBS+oZTI~q&{TfsJF{`
XjV7Dc;m4P6xRab_o1Ae?AnHlgPrX&SWUnNHt>h24D$Zxs1|VCtei;b<g*1_Tr!qgN@VHsx-q*oC_gGA(zPh>sU5
IynmNwmAf48+hPEzIDf}BvP^H6{Gf$w$7lfblFb2Y;+&Kf>2T_#W;;-HzMtfaI#ly0DBt}iX36vqnyfV7xEyszMa
M-Fy7R{((ODkpRIbU@?x2e%?)gO2jcGIWgAd8F7_Wc@taf2yRuV|<pJ<T5+^QE~3(j!DNh>il@y<oF!ZP5FvYs1M
8M2DI<ciRkhMg@S}bN|r0Q00w26e{MQD#_NS&bV9VAtpot50I_LlrnY<3f?_whaf^#s!w?Dhr^^HoGvwk87p4F_%
aAi#iZ=d0pzwFPVb>k<S6<8>jn;dif8vJdww9xJn@z|DK5D*$>usWrP^u=ZZq}qe8`X-Z2b;EX_2taAh5|B@?&I?
=!ogze5yRb(c{lCeZ4Z6qgzyKAW*(JRT5uPv<!a+SK-Y6yE+nqbXkY*U_qjBIbv7#iJUKG@MX*7~U@*`s2>|?^9|
10n)8h&S1={mx&+Hklt_z(ui(Hn`IG0}PI%LwJse4&`+TiC-!PFzZv3=B!@8t9!RKDn~E1t{{5Hu*!=J|=KmY070
!)_~v_T$&z$;LBp(_*`>$!OCRm!0KJcd_fu77jnLS2BsmLN99Tdf&CRiu^35vr^={wJuv<w*}T%IWec}pHcQ|Jv`
w$maTK$;|4!#*d)M(;bw5_p{h`+ZQ_hqwZ6!B23cAQ<lZSEYqMG{qbiQEn|`e3iKodgGgR?u`kJ!yDq4p<rS7D5j
67QQzViV0jrbE)2j%Qpy+NLPm9>9J@HqBOPc*IXrTM_FL9nJ;Z&X*qR4MO>W6FF&jdS`>@@i^s*%2)+Kg>At9I)c
sy-C-@SZ%&POyxNvW+Ro>1}ZT4{7dgYxyN@v|Hh7nv>hII<XNwz4{1k42W_|*{^?#tv0oPLVM*q`bJRPhFYh1To^
$`5&BfJI1?}Bj)4ewf#}g#_V<RdV+qFqlz?)7*){=|?4b}Aw73)ohw`hgR7mb!)I;kIZ$bDl%VWaLEnH<Vl^WZd>
tiXDPY)pr;TG+@vwGG+N3l8=+g!0ThS{K5nM=cVk?K@Z_p1Nr?yr5(*e^U3<Nr_XI6T{j2&lnHn1)MaIlb5nLl74
zPUBShcFJ`d(O`<{Ko2sM>?g^VST?GJ&o2Hb2##)~=_m5`^xkGq$rCD`BHYMKM1PTNVY$X-!$ihgxzR|c91G25ZB
@+4M6zj?fvXxwnblR%ws83p3spn#Ny)1oI2j<3_&z3zNQvS^=xyPvKz<2&)&N8&zQ9HTFm+`q`3Dv&YC)bH;3Z7#
5X8YRBI`1j$JG6ddiRn>M83QJ$Zv+C`ylW6HGO$5Red{j6*rZL<!nazUJ3gK`Ua6@RECM6f+(9#uMEOUpwZ%<Ix9
=P`wzWF%@vuVM_>)2hzlHVNWBz{c^8sPiU85m`6<sq5L+1Ij87bC}=&)g}rhr;$zY`o6n5t~ve)iY?EhgsO36@Mv
3rngbYsD^8E=LQxn2~pv@e0UPo2)6QzAVbIBFu}KHoBwp^rV%Q1YB%-ZT3~Y<OkqQR7;l7i=m_8HWAT$yizaAjF`
OYvm^399DAk1+F#@Y7T+JOHoiD`OLhZS-HNGJL4V1(vXcsOI_=>iLlfB!)~dk?N1-uSeK(f&fm?31S=OCtQVz+?A
dhdHicamfr`so~z>t^<5TH-tA=4B9Eg%k%<mVQ(Dh}keFH1vmi$zz59&BtkcpX)lUOZ=^A{{3y@2Y)xd}_!_L0Fy
squ#+a#?gEuYp)(m`>5~9fBE<yRJ*LeN8i{}jZRIZANDu>F<tjTp6QOC1D>XCQkCXf-|sLQn;A(?SgSAV%DmvZQc
g)pLU|<&tW{yGk%m20d5uJ+5N-fi4)IYb3X&4k%UTgS)(LhcWB<9BdUi`yNBv9DQkOR6!meL0h<e@nkR$ZGyXN_x
_)2d62e+3sXFj0)X{Ys`YG-0Qu_~V&&Pux~Cs^YC=c=aT)+xfxyQT%{>sRrbjczOc<!as4`+K?MLTvSS8>?;Daz#
Zz#&Gp^IV3g8PZH4-3h$W~Z}|XBT+n@1V_5MxDb}@S%TQNCcv8w3?+&l~?h@+f>o1Dh&?GAM72P%+b5a0v`z(?I-
ZHC`-UwQBH|4S<>FY9o^EeQ;`tf^XmLHURg|Y5Uer0l#-_5K0cZP*s8}%|%a<L1E9rc%5ttAO*N|Rw(COy2()ZJc
5&$*zn^J&cTyY?y<M3Muep2EM&Ht+_#i%EW<f>@eoi<W!8oOl*Jc*%Qau6xhH#IZZy%8?J5emm168xUT4;k}))=W
5GhYQDmz^7h7_O^QxuS;x8)w)qK4d(K5v->YcWoQRVVLNcvVTm6^;4KySK7T3_Ym|Yqyc_U%KNMmOi>|WI&H0&||
dfV6$^{PMnTMmW@4UGiSy$bz+OhfmYppL98dcJ*=-$klolS0c>|7H2pr{2|U4pA`6asUJ5rJS9e&l$c5^w~(_yO%
dPEH@Q=m?rUJ#F<;sZ)N<D)AJTPL2(G#EyM+>I|x{~Sv~Dp8!ltWn^(R$4jdmWvUkejExNsYBq?I0!eGdNEkkF@(
Dm2w$V-o|#XJ}medTZ<&)B;@Z?L1nb@1ow^7FSVm@S6y3=&zUok9Wg<R-Pa{T4YXZ`*rnONNHP^kvWP%$CzC18-Z
UdQY9mufE{qxt;2+X1FEqO4c5;Kfc}Pa_MeinZ)d;r)?v;z#9XDX2(k&*S*gjQwJihOt*R#Fy7g;m><`6+aglSWK
_ww_Z@A#*t>lmvHZaBKR@YHZ+dj4XV=CV<$yOxv`%1@Of)U*6Oia%)OPi9hw-KKr@%JNm%oaT9v(~Ip=z5uFxS}_
8L8<SA(5HBy_LC*{<tA7Mz|!cODn(RsdLizN&PDIb#hgdOP`*szus&fFxh)Q+0*Z>(SUxIo5h+*1O6956q@}O{?H
$Lq7H7A{E%9xd6?xng3|1^jx9~A<l4hGTj%o?$Fp_1-l|$NA@qV_7`>BWd<4TJ>>mVz=of+j00gli1j69rg+AmQD
?s227d9Qhmcu>}zS`nK5R3)E<FUVJE+jk+n3xZ<9}?3+V*1idh!~t?z{RLUp6vN}iD+%u9fC<Dgp8m!ba8Zy573D
SiH!h^MMXoxcut&!2t>fomkMH`U~Ex@OeP@+HyJ?(Xe{gx3BiJqARJ^EhaC%n0nPzuNi^_Z!Cjbvl?4+OkYKb5JQ
f-ei-+FP2PDn~V-N9|L|`H`8+_<*!^Hr^807(x4Y=6#FE;+)5&GK&EjH_~<bW3N|I77tp}&;bKhSo8bZkiQ2Ehy1
U?4zC^+4nX{tc`DBN=RAh`8Zt5F{Zqi+7BW5JWT-{UzZ{!o>qG(21D$Ikn<%@s-&QfDn`+aZyknkx)`$lELVNVD^
9$92XS&j2)e=Uw{*i=n}{-;&X(67HL2<oCFbmgI0!+DQI{s7a}~K2~J`nQyde#c+yf6VOs?B7w#;nAN(Tvi_9eIB
YXjq8X??;!J?vwj=+ntIXdDrZ7I2zy4JtSgk1^l7-(-{w0z7?aAji-hIIjEe=vxMzl3#zY<h6I@t0`e|4v6X{RxB
@b_ke_5cUph7znW;S?mF47MsT4*UN%a6OjSo=*0E~Ba59Naa;`M@PWevXi>JfKG`Jw+MK`zBL<diPHaRlDH07Nfe
>b(qy@2ZQh{L(H*j#V7faOmHO|Vh%LVia7)aP|fNGWCD6t7(dm8~2J`Gr6`HOl*Gyi<~i)8)VenRwuod?WO&k}ut
1VC(N62ZS}GvTzFv#%3Qh29~yG{}TNFc=8iVp}FeS~y88`USM4wcr=6fmnvb-hmMcnM}d=dKjh<`!MQQ6f#1*MMx
a`;9x{zn+CXG^Z@v|eS>{s!W)WU=L<3gU7h&h=H}w2U<33^p&%44EE_UHLD**l;)iGf2roTC;l{tPdws481S&)aN
f^Ko4lIccEZc$*jy1xZlLx!`cwk&11UcYESpuBmIVTR_vr6Cyj%_tqeK^=C<P;17GKowf&Ry843nc)88z*X?1QHk
_K#0vq5d1G3-|V#
"""
