"""Provider files as their publishers lay them out, written by hand: Friday 20 and Monday 23 November 2026."""

PRICES_CSV = b"""symbol,exchange,ccy,price_date,close,volume
AAPL,XNYS,USD,2026-11-20,231.50,1000
BHP,XASX,AUD,2026-11-20,44.10,
AAPL,XNYS,USD,2026-11-23,N/A,
XOM,XNYS,USD,2026-11-23,112.25,500
BHP,XASX,AUD,2026-11-23,44.35,
"""

ACTIONS_CSV = b"""action_id,symbol,exchange,type,ratio,cash_per_unit,franked_pct,ex_on,pay_on
CA-1,AAPL,XNYS,SPLIT,2,,,2026-11-20,
CA-2,BHP,XASX,DIVIDEND,,0.85,1,2026-11-23,2026-12-18
"""

ECB_DAILY_CSV = b"""Date, USD, JPY, AUD, ZAR, \r
23 November 2026, 1.1172, 175.68, 1.5904, 18.6455, \r
"""

ECB_HIST_CSV = b"""Date,USD,JPY,CYP,AUD,
2026-11-23,1.1172,175.68,N/A,1.5904,
2026-11-20,1.1160,175.02,N/A,1.5890,
2007-12-28,1.4692,166.49,0.585274,1.6757,
"""

ECB_XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"
  xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
\t<gesmes:subject>Reference rates</gesmes:subject>
\t<gesmes:Sender>
\t\t<gesmes:name>European Central Bank</gesmes:name>
\t</gesmes:Sender>
\t<Cube>
\t\t<Cube time='2026-11-23'>
\t\t\t<Cube currency='USD' rate='1.1172'/>
\t\t\t<Cube currency='JPY' rate='175.68'/>
\t\t\t<Cube currency='AUD' rate='1.5904'/>
\t\t</Cube>
\t\t<Cube time='2026-11-20'>
\t\t\t<Cube currency='USD' rate='1.1160'/>
\t\t\t<Cube currency='JPY' rate='175.02'/>
\t\t\t<Cube currency='AUD' rate='1.5890'/>
\t\t</Cube>
\t</Cube>
</gesmes:Envelope>
"""

ENTITY_BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE bomb [
 <!ENTITY a "aaaaaaaaaa">
 <!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
 <!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">
]>
<Cube>&c;</Cube>
"""

RBA_F11_CSV = b"""\xef\xbb\xbfF11.1  EXCHANGE RATES \r
Title,A$1=USD,Trade-weighted Index May 1970 = 100,A$1=JPY,A$1=SDR\r
Description,AUD/USD Exchange Rate; see notes for further detail.,Australian Dollar TWI,AUD/JPY,AUD/SDR\r
Frequency,Daily,Daily,Daily,Daily\r
Type,Indicative,Indicative,Indicative,Indicative\r
Units,USD,Index,JPY,SDR\r
\r
\r
Source,WM/Reuters,RBA,RBA,RBA\r
Publication date,23-Nov-2026,23-Nov-2026,23-Nov-2026,23-Nov-2026\r
Series ID,FXRUSD,FXRTWI,FXRJY,FXRSDR\r
20-Nov-2026,0.7023,61.4,110.14,0.5310\r
23-Nov-2026,0.7025,61.5,,0.5312\r
"""
