/**
 * File names of security products: what drivers that kill or blind them carry in a list. Lower case,
 * without paths. Public knowledge from the vendors' documentation; a name here accuses nobody.
 */

const products: Record<string, string> = {
  'Microsoft Defender': `msmpeng.exe mpcmdrun.exe nissrv.exe mpdefendercoreservice.exe mssense.exe
    sensecncproxy.exe senseir.exe sensendr.exe sensesampleuploader.exe sensetvm.exe msascui.exe
    msascuil.exe msmpengcp.exe securityhealthservice.exe securityhealthsystray.exe smartscreen.exe
    wdfilter.sys wdboot.sys wdnisdrv.sys mssecflt.sys msseccore.sys mssecwfp.sys mpksldrv.sys`,
  Sysmon: 'sysmon.exe sysmon64.exe sysmon64a.exe sysmondrv.sys',
  'CrowdStrike Falcon': `csfalconservice.exe csfalconcontainer.exe csagent.exe csshell.exe
    csagent.sys csboot.sys csdevicecontrol.sys csfirmwareanalysis.sys`,
  SentinelOne: `sentinelagent.exe sentinelagentworker.exe sentinelservicehost.exe sentinelui.exe
    sentinelstaticengine.exe sentinelstaticenginescanner.exe sentinelhelperservice.exe logprocessorservice.exe
    sentinelmonitor.sys sentinelelam.sys`,
  'Carbon Black': `cb.exe cbdefense.exe confer.exe repmgr.exe reputils.exe repux.exe repwsc.exe
    parity.exe carbonblack.sys carbonblackk.sys ctifile.sys ctinet.sys paritydriver.sys cbk7.sys`,
  Cortex: `cyserver.exe cytray.exe cyveraservice.exe cyvrfsfd.sys cyvragentsvc.exe cyvrlpc.sys
    tlaworker.exe tlaservice.exe traps.exe cyvrmtgn.sys tedrdrv.sys`,
  Cylance: `cylancesvc.exe cylanceui.exe cylanceprotectsetup.exe cyoptics.exe cyoptics.sys
    cyprotectdrv64.sys cyprotectdrv.sys`,
  Elastic: 'elastic-agent.exe elastic-endpoint.exe elasticendpoint.exe elastic-endpoint-driver.sys',
  Kaspersky: `avp.exe avpui.exe avpsus.exe kavfs.exe kavfsscs.exe kavfswp.exe kavtray.exe klnagent.exe
    ksde.exe ksdeui.exe kavstart.exe kpm.exe klif.sys klhk.sys klflt.sys kneps.sys klbackupdisk.sys`,
  ESET: `ekrn.exe egui.exe eguiproxy.exe ecmd.exe eraagent.exe eelnd.exe ehdrv.sys eamonm.sys edevmon.sys
    epfw.sys epfwwfp.sys eelam.sys ekbdflt.sys`,
  Avast: `avastsvc.exe avastui.exe aswidsagent.exe aswengsrv.exe aswtoolssvc.exe afwserv.exe
    wsc_proxy.exe avastnm.exe aswsp.sys aswsnx.sys aswmonflt.sys aswarpot.sys aswbidsdriver.sys
    aswvmm.sys aswrvrt.sys aswnethub.sys`,
  AVG: `avgsvc.exe avgui.exe avgsvca.exe avgidsagent.exe avgtoolssvc.exe avgnsa.exe avgcsrva.exe
    avgwdsvc.exe avgemca.exe avgsp.sys avgmonflt.sys avgarpot.sys`,
  Avira: `avguard.exe avshadow.exe sched.exe avgnt.exe avcenter.exe avira.servicehost.exe
    avira.spotlight.service.exe sentryeye.exe avgntflt.sys avipbb.sys avdevprot.sys avkmgr.sys`,
  Bitdefender: `bdagent.exe bdservicehost.exe bdredline.exe bdntwrk.exe bdwtxag.exe vsserv.exe
    vsservppl.exe updatesrv.exe productagentservice.exe epsecurityservice.exe epprotectedservice.exe
    epintegrationservice.exe epupdateservice.exe epconsole.exe seccenter.exe trufos.sys atc.sys
    gzflt.sys bdselfpr.sys bddci.sys vlflt.sys gemma.sys`,
  Malwarebytes: `mbam.exe mbamservice.exe mbamtray.exe mbamagent.exe mbcloudea.exe mbam.sys mbamswissarmy.sys
    mbamchameleon.sys mbamelam.sys farflt.sys mwac.sys`,
  McAfee: `mcshield.exe mfemms.exe mfevtps.exe mfetp.exe mfefire.exe mfeann.exe mfeesp.exe mfehcs.exe
    mfewc.exe mfewch.exe macmnsvc.exe masvc.exe mctray.exe mcuicnt.exe modulecoreservice.exe
    shstat.exe tbmon.exe vstskmgr.exe naprdmgr.exe frameworkservice.exe mfeatp.exe
    mfehidk.sys mfeavfk.sys mfefirek.sys mfewfpk.sys mfeaack.sys mfencbdc.sys`,
  Trellix: 'xagt.exe xagtnotif.exe fekern.sys fe_avk.sys wfp_mrt.sys',
  Symantec: `ccsvchst.exe smc.exe smcgui.exe rtvscan.exe sepmasterservice.exe sisipsservice.exe
    sisidsservice.exe sepwscsvc64.exe nortonsecurity.exe norton.exe nsbu.exe ns.exe nswscsvc.exe
    symefasi.sys srtsp64.sys srtsp.sys symevnt.sys symevent64x86.sys bhdrvx64.sys eectrl64.sys
    sysplant.sys symnets.sys`,
  Sophos: `savservice.exe savadminservice.exe sophosfs.exe sophosui.exe sophoshealth.exe sophosntpservice.exe
    sophosfilescanner.exe sophossafestore64.exe sophoscleanm64.exe sophosnetfilter.exe mcsagent.exe
    mcsclient.exe sspservice.exe sedservice.exe hmpalert.exe almon.exe alsvc.exe swi_service.exe
    swi_fc.exe sophosed.sys savonaccess.sys hmpalert.sys sntp.sys sophosel.sys`,
  'Trend Micro': `ntrtscan.exe tmlisten.exe pccntmon.exe pccnt.exe tmccsf.exe tmbmsrv.exe tmpfw.exe
    coreserviceshell.exe coreframeworkhost.exe uiwatchdog.exe uiseagnt.exe ds_agent.exe dsa.exe
    ds_monitor.exe tmwscsvc.exe tmssclient.exe tmesc.exe tmcomm.sys tmactmon.sys tmevtmgr.sys
    tmusa.sys tmebc64.sys tmumh.sys tbimdsa.sys`,
  'F-Secure': `fshoster32.exe fshoster64.exe fsav32.exe fsgk32.exe fsgk32st.exe fsma32.exe fsm32.exe
    fsorsp64.exe fsulprothoster.exe fsdevcon.exe fsatp.sys fsgk.sys fshs.sys`,
  'G Data':
    'avk.exe avkservice.exe avkwctlx64.exe avkproxy.exe gdscan.exe gdfwsvc.exe gddcd.sys gdmnicpt.sys',
  Panda: `psanhost.exe pavfnsvr.exe pavsrvx86.exe pavbckpt.exe psuaservice.exe psuamain.exe pskmssvc.exe
    agentsvc.exe pselamsvc.exe nnsdns.sys psinaflt.sys psinproc.sys psinfile.sys`,
  Webroot: 'wrsa.exe wrcoreservice.x64.exe wrskyclient.x64.exe wrkrn.sys wrcore.x64.sys wrboot.sys',
  'Check Point': `zatray.exe vsmon.exe zapriv.exe cpda.exe tracsrvwrapper.exe trgui.exe efrservice.exe
    sbaagent.exe remediationservice.exe vsdatant.sys cpepmon.sys epregflt.sys`,
  Comodo:
    'cmdagent.exe cis.exe cistray.exe cavwp.exe cavse.exe cmdguard.sys cmderd.sys inspect.sys cmdhlp.sys',
  'Dr.Web':
    'dwservice.exe dwengine.exe dwarkdaemon.exe dwnetfilter.exe spideragent.exe drwebscd.exe dwprot.sys spiderg3.sys',
  'Qihoo 360': `360tray.exe 360sd.exe 360rp.exe 360rps.exe 360safe.exe zhudongfangyu.exe qhactivedefense.exe
    qhsafetray.exe qhwatchdog.exe 360leakfixer.exe softmgrlite.exe 360fsflt.sys 360anthacker64.sys
    360box64.sys 360avflt.sys bapidrv64.sys 360hvm64.sys 360qpesv64.sys`,
  Huorong: `hipstray.exe hipsdaemon.exe hipsmain.exe usysdiag.exe wsctrlsvc.exe hrfwdrv.sys hrdevmon.sys
    hrwfpdrv.sys sysdiag.sys`,
  Tencent:
    'qqpctray.exe qqpcrtp.exe qqpcmgr.exe qqpcpatch.exe tsfltmgr.sys qqsysmonx64.sys tssyskit64.sys',
  Kingsoft:
    'kxescore.exe kxetray.exe kislive.exe ksafetray.exe ksafesvc.exe kavbootc64.sys kisknl.sys ksapi64.sys',
  AhnLab:
    'v3svc.exe v3lite.exe v3main.exe v3medic.exe asdsvc.exe asdcli.exe v3up.exe ahnrec2k.sys asdcr.sys v3elam.sys',
  ALYac: 'ayagent.aye ayrtsrv.aye ayupdsrv.aye ayagent.exe estrtw.sys',
  'Deep Instinct': 'deepinstinctagent.exe deepinstinctui.exe deepmgmtservice.exe deepinstinct.sys',
  Fortinet:
    'fortiedr.exe fortiedrcollectorservice.exe fortiesnac.exe fortitray.exe forticlient.exe fortiscand.exe fortimon3.sys fortiedrkerneldriver.sys',
  Cybereason:
    'minionhost.exe crsdll.exe activeconsole.exe amsvc.exe crsvc.exe execprevent.exe nrgfsd.sys',
  'Cisco Secure Endpoint':
    'sfc.exe ciscoamp.exe ciscoscmsvc.exe iptray.exe immunetprotect.sys immunetselfprotect.sys ciscoampheurdriver.sys',
  Qualys: 'qualysagent.exe qualysagentui.exe qedrservice.exe qmon.sys',
  Tanium: 'taniumclient.exe taniumcx.exe taniumendpointindex.exe taniumrecorderdrv.sys',
  WithSecure: 'wsav.exe fshoster.exe ultralightsdk.exe',
  Wazuh: 'wazuh-agent.exe ossec-agent.exe',
  Rising: 'rstray.exe ravmond.exe rsmgrsvc.exe rsmain.exe rsndisp.sys',
  Vipre: 'sbamsvc.exe sbamtray.exe vipreui.exe sbaphd.sys gfiark.sys',
  Acronis:
    'cyber-protect-service.exe aakore.exe anti_ransomware_service.exe active_protection_service.exe',
}

const productsByFile = new Map(
  Object.entries(products).flatMap(([product, files]) =>
    files
      .trim()
      .split(/\s+/)
      .map((file) => [file, product] as const),
  ),
)

const processName = /^[\w .@{}()+-]{1,60}\.(?:exe|aye|com|scr)$/i

/** The kernel is no process: every driver names it among its imports. */
const kernel = /^(?:ntoskrnl|ntkrnlpa|ntkrnlmp|ntkrpamp)\.exe$/i

/** Is the last part of a text the name of a program that can run? */
export function isProcessName(text: string): boolean {
  const name = fileNameOf(text)
  return processName.test(name) && !kernel.test(name)
}

/**
 * The security product that a file belongs to.
 * @param text file name, with or without a path, in any case
 */
export function securityProductOf(text: string): string | null {
  return productsByFile.get(fileNameOf(text).toLowerCase()) ?? null
}

function fileNameOf(text: string): string {
  return text.slice(Math.max(text.lastIndexOf('\\'), text.lastIndexOf('/')) + 1)
}
